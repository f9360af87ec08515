. /cases/lib.sh
mkdir -p /tmp/t && cd /tmp/t
for d in $(seq 20); do mkdir -p "a$d/b/c" && (cd "a$d" && touch f{1..20} b/g{1..5}); done
is "find by type" "500" "$(find . -type f | wc -l)"
is "find by name and depth" "400" "$(find . -maxdepth 2 -name 'f*' | wc -l)"
is "find -exec +" "500" "$(find . -type f -exec echo {} + | wc -w)"
is "find -exec ;" "100" "$(find . -name 'g*' -exec basename {} \; | wc -l)"
is "find -print0 | xargs -0" "500" "$(find . -type f -print0 | xargs -0 -n 50 ls | wc -l)"
is "find -newer" "1" "$(touch -d yesterday f; find . -type f -exec touch -d '2 days ago' {} +; touch new; find . -newermt yesterday -type f | wc -l)"
is "find -size" "1" "$(truncate -s 3M big; find . -size +2M | wc -l)"
is "find -perm" "1" "$(chmod 4755 new; find . -perm -4000 | wc -l)"
is "find -links, -samefile" "2" "$(ln new new2; find . -samefile new | wc -l)"
is "find -delete" "0" "$(find . -name 'g*' -delete; find . -name 'g*' | wc -l)"
is "find -empty" "20" "$(find . -type d -empty -name c | wc -l)"
is "find -regex, -prune" "20" "$(find . -path './a*/b' -prune -o -regex '.*/f7' -print | wc -l)"
is "find -execdir" "20" "$(find . -name f1 -execdir pwd \; | sort -u | wc -l)"
is "find over the image" "yes" "$([ "$(find / -xdev -type f 2>/dev/null | wc -l)" -gt 5000 ] && echo yes)"
is "xargs -P, status" "123" "$(set +e; seq 8 | xargs -P 4 -I{} sh -c 'exit {}' 2>/dev/null; echo $?)"
is "xargs, a long list" "200000" "$(seq 200000 | xargs echo | wc -w)"
complete
