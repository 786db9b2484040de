package dev.sluice.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What PostgreSQL commits while it has traffic, and what of it SQLite has. */
class ReverseStreamIT {

    @TempDir
    private Path folder;

    @Test
    void insertUpdateAndDeleteComeBack() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, "CREATE TABLE kv (k INTEGER PRIMARY KEY, v TEXT)",
                "INSERT INTO kv VALUES (1, 'one'), (2, 'two')").switched()) {
            ground.write("INSERT INTO kv (v) VALUES ('three')", "UPDATE kv SET v = 'uno' WHERE k = 1", "DELETE FROM kv WHERE k = 2");

            assertThat(ground.source("SELECT k, v FROM kv ORDER BY k")).containsExactly("1|uno", "3|three");
            assertThat(ground.source("SELECT fenced FROM _sluice_control")).containsExactly("1");
            assertThat(ground.parked()).isEmpty();
        }
    }
}
