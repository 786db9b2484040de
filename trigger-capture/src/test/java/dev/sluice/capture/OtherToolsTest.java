package dev.sluice.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.testing.Follower;
import dev.sluice.testing.SourceFile;
import dev.sluice.testing.Tool;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What SQLite's C interface offers and no Java driver does, by Python and SQLite's shell; skipped with a line on the
 * console where they are absent. Some of it passes every trigger: then only a comparison finds the change.
 */
class OtherToolsTest {

    @TempDir Path folder;

    private SourceFile source;
    private Follower follower;

    @AfterEach
    void close() throws Exception {
        follower.close();
        source.close();
    }

    @Test
    void incrementalBlobWritePassesEveryTrigger() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, b)", "INSERT INTO t VALUES (1, zeroblob(4))");
        Tool.Answer answer = Tool.python("""
                import sqlite3, sys
                if not hasattr(sqlite3.Connection, "blobopen"):
                    sys.exit("before Python 3.11")
                connection = sqlite3.connect(sys.argv[1])
                with connection.blobopen("t", "b", 1) as blob:
                    blob.write(b"sluice"[:4])
                connection.commit()
                """, source.file().path());
        assumeTrue(answer != null && answer.code() == 0, () -> "not tested: " + answer);
        assertThat(source.ask("SELECT hex(b) FROM t")).containsExactly("736C7569");
        assertPassed();
    }

    @Test
    void connectionWithTriggersSwitchedOffPassesEveryTrigger() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 1)");
        Tool.Answer answer = Tool.shell(source.file().path(), ".dbconfig enable_trigger off", "UPDATE t SET v = 2");
        assumeTrue(answer != null);
        assertThat(answer.code()).as(answer.text()).isZero();
        assertThat(source.ask("SELECT v FROM t")).containsExactly("2");
        assertPassed();
    }

    /** No changelog row, and the follower can't know. */
    private void assertPassed() throws Exception {
        assertThat(source.ask("SELECT max(seq) FROM _sluice_changelog")).containsExactly("1");
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).hasSize(1);
    }

    /** From SQLite 3.46 on a trigger on a shadow table makes the whole file unreadable to such a connection. */
    @Test
    void defensiveConnectionThatTrustsNoSchemaCanStillWrite() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, s TEXT NOT NULL DEFAULT 'x')",
                "CREATE UNIQUE INDEX i ON t(lower(s), CASE WHEN u = '1' THEN 1 END)",
                "CREATE VIRTUAL TABLE docs USING fts5(body)", "CREATE VIRTUAL TABLE boxes USING rtree(id, a, b)");
        assertThat(source.ask("SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger'"))
                .containsExactly("t");
        Tool.Answer answer = Tool.shell(source.file().path(), ".dbconfig defensive on", ".dbconfig trusted_schema off",
                ".dbconfig dqs_ddl off", ".dbconfig dqs_dml off", "INSERT INTO t VALUES (1, 'a', 'b')",
                "REPLACE INTO t VALUES (2, 'a', 'c')", "UPDATE t SET s = 'd'", "INSERT INTO docs VALUES ('text')",
                "INSERT INTO boxes VALUES (1, 0, 1)", "DELETE FROM docs");
        assumeTrue(answer != null);
        assertThat(answer.text()).doesNotContain("rror");
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
        assertThat(follower.rows("t")).hasSize(1);
    }

    @Test
    void authorizerThatDeniesOurTableFailsTheApplicationsWriteLoudly() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        Tool.Answer answer = Tool.python("""
                import sqlite3, sys
                connection = sqlite3.connect(sys.argv[1])
                connection.set_authorizer(lambda action, first, *rest: sqlite3.SQLITE_DENY
                    if action == sqlite3.SQLITE_INSERT and first == "_sluice_changelog" else sqlite3.SQLITE_OK)
                try:
                    connection.execute("INSERT INTO t VALUES (1, 1)")
                except sqlite3.DatabaseError as error:
                    print(error)
                connection.commit()
                """, source.file().path());
        assumeTrue(answer != null);
        assertThat(answer.text()).isEqualTo("not authorized");
        assertThat(source.ask("SELECT * FROM t")).isEmpty();
    }

    /** Only our installation does so, not the fence, which changes a row and no schema. */
    @Test
    void statementOfTheLegacyPrepareHasToBePreparedAnewAfterAnInstallationButNotAfterAFence() throws Exception {
        String legacy = """
                import ctypes, ctypes.util, sys
                name = ctypes.util.find_library("sqlite3")
                if name is None:
                    sys.exit("no libsqlite3")
                sqlite = ctypes.CDLL(name)
                connection, statement = ctypes.c_void_p(), ctypes.c_void_p()
                sqlite.sqlite3_open(sys.argv[1].encode(), ctypes.byref(connection))

                def prepare():
                    sql = b"INSERT INTO t(v) VALUES (1)"
                    sqlite.sqlite3_prepare(connection, sql, -1, ctypes.byref(statement), None)

                def step():
                    sqlite.sqlite3_step(statement)
                    return sqlite.sqlite3_reset(statement)

                def run(sql):
                    code = sqlite.sqlite3_exec(connection, sql.encode(), None, None, None)
                    if code != 0:
                        sys.exit("%d: %s" % (code, sql))

                prepare()
                codes = [step()]
                """;
        source = new SourceFile(folder.resolve("plain.sqlite"), "CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        follower = null;
        Path plain = source.file().path();
        source.close();
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        String script = String.join(";\n", source.ask("SELECT sql FROM sqlite_master WHERE name GLOB '_sluice_*'"));
        Tool.Answer installed = Tool.python(legacy + """
                run(sys.argv[2])
                codes.append(step())
                print(codes)
                """, plain, script);
        assumeTrue(installed != null && installed.code() == 0, () -> "not tested: " + installed);
        assertThat(installed.text()).isEqualTo("[0, 17]"); // SQLITE_SCHEMA
        Tool.Answer fenced = Tool.python(legacy + """
                run("UPDATE _sluice_control SET fenced = 1")
                codes.append(step())
                run("UPDATE _sluice_control SET fenced = 0")
                codes.append(step())
                print(codes)
                """, source.file().path());
        assertThat(fenced.text()).isEqualTo("[0, 19, 0]"); // refused by the fence, then as before
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
    }

    private void capture(String... statements) throws Exception {
        source = new SourceFile(folder.resolve("source.sqlite"), statements);
        try (SqliteSession writer = source.writer()) {
            SourceSchema schema = SchemaReader.read(writer);
            Capture.install(writer, schema.tables(), schema.hash());
        }
        follower = new Follower(source.file());
    }
}
