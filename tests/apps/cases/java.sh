. /cases/lib.sh
cd /tmp
cat >Main.java <<'END'
import java.io.*;
import java.net.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

public class Main {
    public static void main(String[] args) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        AtomicLong sum = new AtomicLong();
        List<Future<Long>> jobs = new ArrayList<>();
        for (int n = 0; n < 32; n++) {
            final long last = n * 1000L;
            jobs.add(pool.submit(() -> { long s = LongStream.rangeClosed(1, last).sum(); sum.addAndGet(s); return s; }));
        }
        long total = 0;
        for (Future<Long> job : jobs) total += job.get();
        pool.shutdown();
        System.out.println("pool " + (total == sum.get()) + " " + total);
        System.out.println("parallel " + IntStream.range(0, 1000000).parallel().filter(x -> x % 7 == 0).count());
        try (var each = Executors.newVirtualThreadPerTaskExecutor()) {
            CountDownLatch all = new CountDownLatch(1000);
            for (int i = 0; i < 1000; i++) each.submit(() -> { Thread.sleep(10); all.countDown(); return null; });
            System.out.println("virtual " + all.await(60, TimeUnit.SECONDS));
        }
        try { Object o = null; o.toString(); } catch (NullPointerException e) { System.out.println("null pointer"); }
        try { deep(0); } catch (StackOverflowError e) { System.out.println("stack overflow"); }
        Process child = new ProcessBuilder("sh", "-c", "cat; exit 3").start();
        try (OutputStream in = child.getOutputStream()) { in.write("child".getBytes()); }
        System.out.println(new String(child.getInputStream().readAllBytes()) + " " + child.waitFor());
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            Thread t = new Thread(() -> { try (Socket s = server.accept()) { s.getOutputStream().write("socket".getBytes()); } catch (IOException e) { e.printStackTrace(); } });
            t.start();
            try (Socket s = new Socket(server.getInetAddress(), server.getLocalPort())) { System.out.println(new String(s.getInputStream().readAllBytes())); }
            t.join();
        }
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < 20000; i++) { byte[] b = new byte[10000]; if (i % 1000 == 0) kept.add(b); }
        System.out.println("collected " + kept.size());
        Path p = Files.createTempFile("a", "b");
        Files.writeString(p, "file");
        System.out.println(Files.readString(p));
    }
    static int deep(int n) { return deep(n + 1) + 1; }
}
END
javac -J-Xmx512m Main.java
expected="pool true $(s=0; for n in $(seq 0 31); do m=$((n * 1000)); s=$((s + m * (m + 1) / 2)); done; echo $s) parallel 142858 virtual true null pointer stack overflow child 3 socket collected 20 file"
is "compiled and run" "$expected" "$(java -Xmx512m Main | paste -sd' ')"
is "with the other collectors" "$expected" "$(java -Xmx512m -XX:+UseSerialGC Main | paste -sd' ')"
is "interpreted" "$expected" "$(java -Xmx512m -Xint Main | paste -sd' ')"
complete
