. /cases/lib.sh
mkdir /tmp/c && cd /tmp/c
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=ca 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout s.key -out s.csr -subj /CN=localhost 2>/dev/null
openssl x509 -req -in s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out s.pem -extfile <(echo subjectAltName=DNS:localhost) 2>/dev/null
is "openssl verify" "s.pem: OK" "$(openssl verify -CAfile ca.pem s.pem)"
seq 100000 >data
openssl s_server -accept 8451 -cert s.pem -key s.key -WWW -quiet >/tmp/c/log 2>&1 &
server=$!
within 20 curl -sf --cacert ca.pem -o /dev/null https://localhost:8451/data
is "curl over TLS" "$(cksum <data)" "$(curl -s --cacert ca.pem https://localhost:8451/data | cksum)"
is "TLS 1.2" "$(cksum <data)" "$(curl -s --tls-max 1.2 --cacert ca.pem https://localhost:8451/data | cksum)"
(cd /usr/share/ca-certificates && find . -name '*.crt' | sed 's,^\./,,' | sort) >/etc/ca-certificates.conf
update-ca-certificates >/dev/null 2>&1
refused 60 "an unknown authority" curl -s https://localhost:8451/data
mkdir -p /usr/local/share/ca-certificates
cp ca.pem /usr/local/share/ca-certificates/ours.crt
update-ca-certificates >/dev/null 2>&1
is "after update-ca-certificates" "$(cksum <data)" "$(curl -s https://localhost:8451/data | cksum)"
is "20 at once" "20" "$(seq 20 | xargs -P 5 -I{} curl -s -o /dev/null -w '%{http_code}\n' --cacert ca.pem https://localhost:8451/data | grep -c 200)"
is "the handshake" "TLSv1.3" "$(openssl s_client -connect localhost:8451 -CAfile ca.pem </dev/null 2>/dev/null | sed -n 's/^ *Protocol *: *//p; s/^New, \(TLSv[0-9.]*\).*/\1/p' | head -n 1)"
kill $server
is "digests and ciphers" "$(cksum <data)" "$(openssl enc -aes-256-cbc -pbkdf2 -k secret -in data | openssl enc -d -aes-256-cbc -pbkdf2 -k secret | cksum)"
is "signatures" "Verified OK" "$(openssl dgst -sha256 -sign s.key -out sig data; openssl x509 -in s.pem -pubkey -noout >pub; openssl dgst -sha256 -verify pub -signature sig data)"
refused 7 "nobody listens" curl -s http://127.0.0.1:8459/
is "file:" "100000" "$(curl -s file:///tmp/c/data | tail -n 1)"
complete
