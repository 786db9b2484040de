package dev.sluice.reverse;
import java.nio.file.*; import java.time.Duration; import java.util.*;
import org.junit.jupiter.api.*; import org.junit.jupiter.api.io.TempDir;
class Speed {
    @TempDir Path folder;
    @Test void speed() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, "CREATE TABLE kv (k INTEGER PRIMARY KEY, v TEXT, u INTEGER UNIQUE)").switched()) {
            for (int r = 0; r < 3; r++) {
                long t = System.nanoTime();
                ground.live().there("INSERT INTO kv SELECT i + " + r * 100000 + ", 'row ' || i, i + " + r * 100000 + " FROM generate_series(1, 50000) i");
                long t1 = System.nanoTime();
                ground.stream().heartbeat(ReverseGround.PATIENCE);
                System.out.println("50000 inserts: pg " + (t1 - t) / 1000000 + " ms, stream " + (System.nanoTime() - t1) / 1000000 + " ms");
            }
            List<Long> l = new ArrayList<>();
            for (int i = 0; i < 300; i++) l.add(ground.stream().heartbeat(ReverseGround.PATIENCE).toNanos() / 1000);
            Collections.sort(l); System.out.println("heartbeat us p50 " + l.get(150) + " p99 " + l.get(297));
        }
    }
}
