. /cases/lib.sh
cd /tmp
cat >m.rs <<'END'
use std::sync::mpsc;
use std::thread;
fn main() {
    let (tx, rx) = mpsc::channel();
    for n in 0..8u64 {
        let tx = tx.clone();
        thread::spawn(move || tx.send((1..=1000 * n).sum::<u64>()).unwrap());
    }
    drop(tx);
    println!("{}", rx.iter().sum::<u64>());
    let out = std::process::Command::new("echo").arg("child").output().unwrap();
    print!("{}", String::from_utf8_lossy(&out.stdout));
    println!("{:?}", std::panic::catch_unwind(|| { let v: Vec<i32> = vec![]; v[0] }).is_err());
}
END
rustc -O -o m m.rs
is "what rustc compiled runs" "70014000 child true" "$(./m 2>/dev/null | paste -sd' ')"
refused 1 "the borrow checker" sh -c 'echo "fn main() { let s = String::new(); drop(s); drop(s); }" >b.rs; rustc b.rs'
complete
