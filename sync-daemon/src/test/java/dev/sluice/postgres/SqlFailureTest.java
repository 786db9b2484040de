package dev.sluice.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

class SqlFailureTest {

    @ParameterizedTest
    @CsvSource({
        "08000,UNREACHABLE", "08001,UNREACHABLE", "08003,UNREACHABLE", "08004,UNREACHABLE", "08006,UNREACHABLE",
        "57P01,UNREACHABLE", "57P02,UNREACHABLE", "57P03,UNREACHABLE", "53300,UNREACHABLE", "25P03,UNREACHABLE",
        "40001,TRANSIENT", "40P01,TRANSIENT", "55P03,TRANSIENT", "57014,TRANSIENT",
        "53100,DISK_FULL", "25006,READ_ONLY", "42501,PERMISSION", "28P01,PERMISSION", "28000,PERMISSION",
        "23505,UNIQUE_VIOLATION", "23P01,UNIQUE_VIOLATION", "23503,FOREIGN_KEY", "23514,CHECK", "44000,CHECK",
        "23502,NOT_NULL", "22001,NOT_REPRESENTABLE", "22003,NOT_REPRESENTABLE", "22007,NOT_REPRESENTABLE",
        "22008,NOT_REPRESENTABLE", "22021,NOT_REPRESENTABLE", "22P02,NOT_REPRESENTABLE", "22P05,NOT_REPRESENTABLE",
        "54000,TOO_LARGE", "53200,TOO_LARGE", "42P01,MISSING", "3D000,MISSING", "42601,OTHER", "XX000,OTHER",
        "22P04,OTHER", "40003,OTHER", "P0001,OTHER"})
    void everyStateMeansWhatTheTableSays(String state, SqlFailure meaning) {
        SQLException failure = new SQLException("anything", state);
        assertThat(SqlFailure.of(failure)).isEqualTo(meaning);
        assertThat(SqlFailure.of(new RuntimeException(failure))).isEqualTo(meaning);
        assertThat(SqlFailure.sentence(failure)).isNotBlank().doesNotContain("anything");
    }

    @Test
    void networkErrorsWithoutAStateAreUnreachable() {
        assertThat(SqlFailure.of(new IOException("broken pipe"))).isEqualTo(SqlFailure.UNREACHABLE);
        assertThat(SqlFailure.of(new SQLTransientConnectionException("pool"))).isEqualTo(SqlFailure.UNREACHABLE);
        assertThat(SqlFailure.of(new IllegalStateException("bug"))).isEqualTo(SqlFailure.OTHER);
    }

    @Test
    void aFailedBatchSpeaksWithTheServersState() {
        BatchUpdateException batch = new BatchUpdateException("batch", "22P02", 0, new int[0],
                new SQLException("batch", "22P02"));
        batch.setNextException(new SQLException("real", "23505"));
        assertThat(SqlFailure.of(batch)).isEqualTo(SqlFailure.UNIQUE_VIOLATION);
    }

    @Test
    void theSentenceNamesTheConstraintAndNeverAValue() {
        ServerErrorMessage server = new ServerErrorMessage("SERROR\0VERROR\0C23505\0Mduplicate key value\0"
                + "DKey (mail)=(ann@example.org) already exists.\0sapp\0tuser\0nuser_mail_key\0");
        String sentence = SqlFailure.sentence(new PSQLException(server));
        assertThat(sentence).contains("\"user_mail_key\"").contains("\"app\".\"user\"").doesNotContain("ann@");

        ServerErrorMessage input = new ServerErrorMessage("SERROR\0VERROR\0C22P02\0"
                + "Minvalid input syntax for type integer: \"topsecret\"\0");
        assertThat(SqlFailure.sentence(new PSQLException(input))).doesNotContain("topsecret").contains("22P02");
        ServerErrorMessage raised = new ServerErrorMessage("SERROR\0VERROR\0CP0001\0Mno topsecret here\0");
        assertThat(SqlFailure.sentence(new PSQLException(raised))).doesNotContain("topsecret");
    }

    @Test
    void theSentenceTellsAWrongHostFromAClosedPort() {
        TargetUrl url = TargetUrl.parse("postgres://ann@db.example/shop");
        assertThat(SqlFailure.sentence(new SQLException("x", "08001", new UnknownHostException("x")), url))
                .contains("db.example:5432").contains("host name");
        assertThat(SqlFailure.sentence(new SQLException("x", "08001", new ConnectException("x")), url))
                .contains("nothing accepts connections");
        assertThat(SqlFailure.sentence(new SQLException("x", "28P01"), url)).contains("'ann'").contains("~/.pgpass");
        assertThat(SqlFailure.sentence(new SQLException("x", "3D000"), url)).contains("'shop'");
    }
}
