package dev.sluice.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.testing.Follower;
import dev.sluice.testing.SourceFile;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CaptureTest {

    @TempDir Path folder;

    @Test
    void rowThatReplaceDeletesIsDeletedInTheTargetToo() throws Exception {
        try (SourceFile source = new SourceFile(folder.resolve("a.sqlite"),
                "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE COLLATE NOCASE)",
                "INSERT INTO users VALUES (1, 'a'), (2, 'b')")) {
            install(source);
            try (Follower follower = new Follower(source.file())) {
                source.app("INSERT OR REPLACE INTO users VALUES (3, 'A')");
                follower.drain(Follower.AMPLE);
                assertThat(follower.differences()).isEmpty();
                assertThat(follower.rows("users")).hasSize(2);
            }
        }
    }

    static Capture.State install(SourceFile source) throws Exception {
        try (SqliteSession writer = source.writer()) {
            SourceSchema schema = SchemaReader.read(writer);
            return Capture.install(writer, schema.tables(), schema.hash());
        }
    }
}
