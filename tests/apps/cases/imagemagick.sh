# Its lines are compared with those of the amd64 program: the same pixels.
. /cases/lib.sh
cd /tmp
convert -size 320x240 gradient:red-blue -rotate 30 -swirl 90 a.png
convert a.png -resize 50% -quality 90 b.jpg
convert b.jpg -blur 0x2 -colorspace Gray c.png
convert rose: -distort Perspective '0,0 5,5 69,0 60,5 0,45 0,40 69,45 69,45' d.png
convert a.png d.png -append -depth 8 e.ppm
for f in a.png b.jpg c.png d.png e.ppm; do
    echo "pixels: $(identify -format '%f %wx%h %#' $f)"
done
is "the JPEG's size" "$(identify -format '%wx%h' b.jpg)" "$(convert a.png -resize 50% info: | awk '{print $3}')"
is "compare" "0" "$(compare -metric AE a.png a.png null: 2>&1 | cut -d' ' -f1)"
complete
