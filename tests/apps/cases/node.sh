. /cases/lib.sh
cd /tmp
cat >w.js <<'END'
const { Worker, isMainThread, parentPort, workerData } = require("worker_threads");
const crypto = require("crypto");
if (!isMainThread) {
  let x = 0;
  for (let i = 0; i < 300000; i++) x = (x * 31 + workerData + i) % 1000003;
  parentPort.postMessage(x);
} else {
  const jobs = [1, 2, 3, 4].map((n) => new Promise((done, failed) => {
    const w = new Worker(__filename, { workerData: n });
    w.on("message", done);
    w.on("error", failed);
  }));
  Promise.all(jobs).then((all) => {
    const expected = [1, 2, 3, 4].map((n) => {
      let x = 0;
      for (let i = 0; i < 300000; i++) x = (x * 31 + n + i) % 1000003;
      return x;
    });
    console.log("workers", all.join() === expected.join());
    const began = Date.now();
    setTimeout(() => console.log("timer", Date.now() - began >= 99), 100);
    console.log("sha256", crypto.createHash("sha256").update("abc").digest("hex").slice(0, 16));
    crypto.pbkdf2("p", "s", 1000, 16, "sha512", (_, key) => console.log("pbkdf2", key.length));
    const { privateKey, publicKey } = crypto.generateKeyPairSync("ed25519");
    console.log("ed25519", crypto.verify(null, Buffer.from("m"), publicKey, crypto.sign(null, Buffer.from("m"), privateKey)));
  });
}
END
is "workers, timers, crypto" "ed25519 true;pbkdf2 16;sha256 ba7816bf8f01cfea;timer true;workers true" "$(node w.js | sort | paste -sd';')"
is "a child process" "OUT 3" "$(node -e '
const c = require("child_process").spawn("sh", ["-c", "tr a-z A-Z; exit 3"]);
let out = "";
c.stdout.on("data", (d) => (out += d));
c.on("close", (status) => console.log(out, status));
c.stdin.end("out");')"
is "fork and messages" "pong" "$(echo 'process.on("message", (m) => process.send(m.replace("i", "o"), () => process.exit()))' >c.js; node -e '
const c = require("child_process").fork("./c.js");
c.on("message", (m) => console.log(m));
c.send("ping");')"
is "files and streams" "$(seq 50000 | gzip -nc | gunzip | cksum)" "$(seq 50000 >in; node -e '
const fs = require("fs"), zlib = require("zlib"), { pipeline } = require("stream");
pipeline(fs.createReadStream("in"), zlib.createGzip(), zlib.createGunzip(), fs.createWriteStream("out"), (e) => { if (e) throw e; });'; cksum <out)"
is "a program that V8 compiles" "832040" "$(node -e 'const f = (n) => (n < 2 ? n : f(n - 1) + f(n - 2)); console.log(f(30))')"
is "WebAssembly" "42" "$(node -e '
const b = new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11]);
WebAssembly.instantiate(b).then((m) => console.log(m.instance.exports.add(40, 2)));')"
is "fs.watch" "changed" "$(node -e '
const fs = require("fs");
fs.mkdirSync("wd");
const w = fs.watch("wd", () => { console.log("changed"); w.close(); process.exit(); });
setTimeout(() => fs.writeFileSync("wd/f", "x"), 200);')"
is "a signal" "got SIGTERM" "$(node -e 'process.on("SIGTERM", () => { console.log("got SIGTERM"); process.exit(); }); setTimeout(() => {}, 10000); process.kill(process.pid, "SIGTERM")')"
is "an exception's status" "1" "$(set +e; node -e 'throw new Error("x")' 2>/dev/null; echo $?)"
complete
