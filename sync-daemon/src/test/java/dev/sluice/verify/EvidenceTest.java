package dev.sluice.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.cli.Main;
import dev.sluice.store.StoredRun;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvidenceTest {

    private static final StoredRun RUN = new StoredRun(7, StoredRun.State.VERIFIED, List.of(), true, false, 100, "ann", "sqlite", 2,
            "s", "p", "1.0", 10, 20, Instant.EPOCH, Instant.EPOCH, Instant.EPOCH, null, "[]", null);
    private static final List<StoredRun.Table> TABLES = List.of(
            new StoredRun.Table(0, "a<b>", "done", 3, 3, 3, 0, "aa", "aa", 0, 0, 0, 0, "[]"),
            new StoredRun.Table(1, "t", "done", 1, 1, 1, 0, "bb", "bb", 0, 0, 0, 0, "[]"));

    private static Evidence evidence() {
        return Evidence.of("shop", "/app.db", "postgres://host/db", RUN, TABLES, new Evidence.AuditPosition(5, "hash"));
    }

    private static String pem(KeyPair pair) {
        return "-----BEGIN PRIVATE KEY-----\n" + Base64.getMimeEncoder().encodeToString(pair.getPrivate().getEncoded())
                + "\n-----END PRIVATE KEY-----\n";
    }

    @Test
    void fileIsCheckedAfterItWasWrittenAndReadInAnotherLayout() {
        Evidence read = Evidence.read(evidence().json().toPrettyString()).orElseThrow();
        assertThat(read.check(null).intact()).isTrue();
        assertThat(read.check("any key").intact()).as("a signature was asked for").isFalse();
        assertThat(Evidence.read("{}")).isEmpty();
        assertThat(Evidence.read("no json")).isEmpty();
    }

    @Test
    void signatureIsThatOfTheKeyAndNoOther() throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        KeyPair other = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        String known = Base64.getEncoder().encodeToString(pair.getPublic().getEncoded());
        Evidence signed = Evidence.read(evidence().signed(Evidence.Signer.of(pem(pair))).json().toString()).orElseThrow();
        assertThat(signed.check(null)).isEqualTo(new Evidence.Check(true, known, "whole, and signed by " + known));
        assertThat(signed.check(known).intact()).isTrue();
        assertThat(signed.check(Base64.getEncoder().encodeToString(other.getPublic().getEncoded())).intact()).isFalse();
        assertThat(signed.hash()).as("a signature changes nothing of what the audit log notes").isEqualTo(evidence().hash());
        assertThatThrownBy(() -> Evidence.Signer.of("nothing")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("openssl genpkey");
    }

    @Test
    void commandTellsAWholeFileFromAnAlteredOneAndFromOneOfAnotherSigner(@TempDir Path folder) throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        Path known = Files.writeString(folder.resolve("known.pem"), publicPem(pair));
        Path other = Files.writeString(folder.resolve("other.pem"),
                publicPem(KeyPairGenerator.getInstance("Ed25519").generateKeyPair()));
        String signed = evidence().signed(Evidence.Signer.of(pem(pair))).json().toPrettyString();
        Path file = Files.writeString(folder.resolve("proof.json"), signed);
        assertThat(Main.run("audit", "verify", file.toString())).isZero();
        assertThat(Main.run("audit", "verify", file.toString(), "--key", known.toString())).isZero();
        assertThat(Main.run("audit", "verify", file.toString(), "--key", other.toString())).isEqualTo(1);
        Files.writeString(file, signed.replace("/app.db", "/other.db"));
        assertThat(Main.run("audit", "verify", file.toString())).isEqualTo(1);
    }

    private static String publicPem(KeyPair pair) {
        return "-----BEGIN PUBLIC KEY-----\n" + Base64.getMimeEncoder().encodeToString(pair.getPublic().getEncoded())
                + "\n-----END PUBLIC KEY-----\n";
    }

    @Test
    void everyAlteredFieldIsNoticed() throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        Evidence signed = evidence().signed(Evidence.Signer.of(pem(pair)));
        List<String> fields = new java.util.ArrayList<>();
        signed.json().fieldNames().forEachRemaining(fields::add);
        for (String field : fields) {
            ObjectNode altered = (ObjectNode) signed.json();
            if (field.equals("signature") || field.equals("format")) {
                continue;
            }
            altered.put(field, altered.path(field).asText() + "x");
            assertThat(Evidence.read(altered.toString()).orElseThrow().check(null).intact()).as(field).isFalse();
        }
        ObjectNode table = (ObjectNode) signed.json();
        ((ObjectNode) ((ArrayNode) table.path("tables")).get(1)).put("rows", 2);
        assertThat(Evidence.read(table.toString()).orElseThrow().check(null).intact()).isFalse();
    }

    @Test
    void pageNeedsNothingElseAndEscapesNames() {
        assertThat(evidence().html()).contains("a&lt;b&gt;", "Equal: 4 rows in 2 tables").doesNotContain("<b>b", "http", "<script");
    }
}
