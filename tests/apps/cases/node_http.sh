. /cases/lib.sh
cd /tmp
cat >s.js <<'END'
const http = require("http");
const server = http.createServer((request, answer) => {
  let body = "";
  request.on("data", (d) => (body += d));
  request.on("end", () => answer.end(JSON.stringify({ url: request.url, length: body.length })));
});
server.listen(0, "127.0.0.1", async () => {
  const { port } = server.address();
  const one = (n) => new Promise((done, failed) => {
    const request = http.request({ port, host: "127.0.0.1", path: `/${n}`, method: "POST" }, (answer) => {
      let text = "";
      answer.on("data", (d) => (text += d));
      answer.on("end", () => done(JSON.parse(text)));
    });
    request.on("error", failed);
    request.end("x".repeat(n * 1000));
  });
  const all = await Promise.all([...Array(50).keys()].map(one));
  console.log(all.filter((r, n) => r.url === `/${n}` && r.length === n * 1000).length);
  const got = await (await fetch(`http://127.0.0.1:${port}/fetched`)).json();
  console.log(got.url);
  server.close();
});
END
is "50 requests, and fetch" "50 /fetched" "$(node s.js | paste -sd' ')"
is "a cluster of two" "served by 2" "$(cat >c.js <<'END'
const cluster = require("cluster"), http = require("http");
if (cluster.isPrimary) {
  const seen = new Set();
  cluster.fork(); cluster.fork();
  let up = 0;
  cluster.on("listening", async () => {
    if (++up < 2) return;
    for (let i = 0; i < 20; i++) seen.add(await (await fetch("http://127.0.0.1:8471/", { headers: { connection: "close" } })).text());
    console.log("served by", seen.size);
    for (const id in cluster.workers) cluster.workers[id].kill();
  });
} else http.createServer((_, a) => a.end(String(process.pid))).listen(8471, "127.0.0.1");
END
node c.js)"
complete
