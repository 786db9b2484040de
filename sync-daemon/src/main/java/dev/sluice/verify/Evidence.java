package dev.sluice.verify;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.store.Keys;
import dev.sluice.store.StoredRun;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECPrivateKey;
import java.security.interfaces.EdECPublicKey;
import java.security.spec.NamedParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What one verification has shown, as a file that can be kept and checked without either database: the root of the hash
 * tree of every table on both sides, the moment, what was planned, and where the audit log stood. It holds keys of
 * differing rows and no values. Immutable.
 */
public final class Evidence {

    /** Raised when a field changes its meaning. */
    private static final int FORMAT = 1;
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .configure(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS, true);
    private static final String SIGNATURE = "signature";
    private static final String DIGEST = "sha256";

    private final ObjectNode json;

    private Evidence(ObjectNode json) {
        this.json = json;
    }

    /**
     * Where the audit log stood.
     *
     * @param ordinal of its last entry, 0 for none
     * @param hash of that entry
     */
    public record AuditPosition(long ordinal, String hash) {}

    /** What a check of a file came to: {@code signedBy} is the public key in base64, null where nobody signed it. */
    public record Check(boolean intact, String signedBy, String says) {}

    /** A signer's key pair. */
    public record Signer(PrivateKey key, PublicKey known) {

        /**
         * Reads a private Ed25519 key as OpenSSL writes it (PKCS #8, PEM); the public one follows from it.
         *
         * @throws IllegalArgumentException if it is no such key; the message is one sentence
         */
        public static Signer of(String pem) {
            try {
                PrivateKey key = KeyFactory.getInstance("Ed25519").generatePrivate(new PKCS8EncodedKeySpec(der(pem)));
                byte[] seed = ((EdECPrivateKey) key).getBytes().orElseThrow(() -> new IllegalArgumentException("no seed"));
                KeyPairGenerator pair = KeyPairGenerator.getInstance("Ed25519");
                pair.initialize(NamedParameterSpec.ED25519, new SecureRandom() {
                    private static final long serialVersionUID = 1L;

                    @Override
                    public void nextBytes(byte[] bytes) {
                        System.arraycopy(seed, 0, bytes, 0, bytes.length); // the private key is its generator's random
                    }
                });
                return new Signer(key, pair.generateKeyPair().getPublic());
            } catch (GeneralSecurityException | RuntimeException e) {
                throw new IllegalArgumentException("that is no private Ed25519 key in PEM: make one with openssl genpkey"
                        + " -algorithm ed25519", e);
            }
        }

        private static byte[] der(String pem) {
            return Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
        }
    }

    /**
     * @param migration its name
     * @param source where the SQLite file is
     * @param target the address without secrets
     */
    public static Evidence of(String migration, String source, String target, StoredRun run, List<StoredRun.Table> tables,
            AuditPosition audit) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("format", "sluice-evidence-" + FORMAT).put("migration", migration).put("source", source)
                .put("target", target).put("run", run.run()).put("state", run.state().label())
                .put("equal", run.state() == StoredRun.State.VERIFIED).put("whole", run.whole()).put("repair", run.repair())
                .put("traffic", run.traffic()).put("epoch", run.epoch()).put("fromSeq", run.fromSeq()).put("toSeq", run.toSeq())
                .put("schemaHash", run.schemaHash()).put("planHash", run.planHash()).put("toolVersion", run.toolVersion())
                .put("createdAt", String.valueOf(run.createdAt())).put("startedAt", String.valueOf(run.startedAt()))
                .put("endedAt", String.valueOf(run.endedAt())).put("actor", run.actor()).put("reason", run.reason());
        json.putObject("audit").put("ordinal", audit.ordinal()).put("hash", audit.hash());
        ArrayNode listed = json.putArray("tables");
        RowHash source0 = new RowHash();
        RowHash target0 = new RowHash();
        for (StoredRun.Table table : tables) {
            ObjectNode one = listed.addObject().put("table", table.table()).put("state", table.state())
                    .put("equal", table.isEqual()).put("rows", table.rows()).put("parked", table.parked())
                    .put("sourceRoot", table.sourceRoot()).put("targetRoot", table.targetRoot())
                    .put("differences", table.differences()).put("repaired", table.repaired())
                    .put("remaining", table.remaining()).put("restless", table.restless());
            one.set("first", tree(table.listed()));
            add(source0, table.table(), table.sourceRoot());
            add(target0, table.table(), table.targetRoot());
        }
        json.put("sourceRoot", source0.hex()).put("targetRoot", target0.hex());
        json.set("findings", tree(run.findings()));
        return new Evidence(json.put(DIGEST, digest(json)));
    }

    private static void add(RowHash root, String table, String of) {
        root.add(Keys.sha256().digest(table.getBytes(StandardCharsets.UTF_8)));
        root.add(String.valueOf(of).getBytes(StandardCharsets.US_ASCII));
    }

    private static JsonNode tree(String json) {
        try {
            return MAPPER.readTree(json == null ? "[]" : json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("what a verification has stored can't be read", e);
        }
    }

    /** Reads a file; empty if it is none of these. */
    public static Optional<Evidence> read(String text) {
        try {
            JsonNode json = MAPPER.readTree(text);
            return json instanceof ObjectNode object && object.path("format").asText().equals("sluice-evidence-" + FORMAT)
                    ? Optional.of(new Evidence(object)) : Optional.empty();
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    public JsonNode json() {
        return json.deepCopy();
    }

    /** The migration's root on the source's side (hex). */
    public String root() {
        return json.path("sourceRoot").asText();
    }

    /** SHA-256 (hex) over everything but the signature: what the audit log notes. */
    public String hash() {
        return json.path(DIGEST).asText();
    }

    /** The same with a signature over its hash. */
    public Evidence signed(Signer signer) {
        try {
            Signature signature = Signature.getInstance("Ed25519");
            signature.initSign(signer.key());
            signature.update(signedBytes(json));
            ObjectNode signed = json.deepCopy();
            signed.putObject(SIGNATURE).put("algorithm", "Ed25519")
                    .put("publicKey", Base64.getEncoder().encodeToString(signer.known().getEncoded()))
                    .put("value", Base64.getEncoder().encodeToString(signature.sign()));
            return new Evidence(signed);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("an Ed25519 key that can't sign", e);
        }
    }

    /**
     * Whether the file is as it was written; needs neither database.
     *
     * @param trusted the public key (base64 of X.509, or PEM) that must have signed it; null to accept any or none
     */
    public Check check(String trusted) {
        if (!digest(json).equals(json.path(DIGEST).asText())) {
            return new Check(false, null, "the file was altered: its content does not have the SHA-256 that stands in it");
        }
        JsonNode signature = json.path(SIGNATURE);
        if (signature.isMissingNode()) {
            return trusted == null ? new Check(true, null, "whole; not signed, so only who has noted its hash elsewhere"
                    + " knows that it was not written anew: " + hash())
                    : new Check(false, null, "the file is not signed, and a signature was asked for");
        }
        String key = signature.path("publicKey").asText();
        if (!isSignedBy(key, signature.path("value").asText())) {
            return new Check(false, key, "the signature is not one over this content");
        }
        String wanted = trusted == null ? key : trusted.replaceAll("-----[A-Z ]+-----|\\s", "");
        return wanted.equals(key) ? new Check(true, key, "whole, and signed by " + key)
                : new Check(false, key, "the file was signed by another key: " + key);
    }

    private boolean isSignedBy(String key, String value) {
        try {
            PublicKey known = KeyFactory.getInstance("Ed25519").generatePublic(
                    new X509EncodedKeySpec(Base64.getDecoder().decode(key)));
            Signature signature = Signature.getInstance("Ed25519");
            signature.initVerify(known);
            signature.update(signedBytes(json));
            return known instanceof EdECPublicKey && signature.verify(Base64.getDecoder().decode(value));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            return false;
        }
    }

    private static byte[] signedBytes(ObjectNode json) {
        return ("sluice evidence " + digest(json)).getBytes(StandardCharsets.US_ASCII);
    }

    /** Over the fields sorted by name, without spaces, but for the digest itself and the signature. */
    private static String digest(ObjectNode json) {
        ObjectNode bare = json.deepCopy();
        bare.remove(List.of(DIGEST, SIGNATURE));
        try {
            Object sorted = MAPPER.treeToValue(bare, TreeMap.class);
            return HexFormat.of().formatHex(Keys.sha256().digest(MAPPER.writeValueAsBytes(sorted)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("JSON that can't be written", e);
        }
    }

    /** The same for people: one page that needs nothing else. */
    public String html() {
        return new EvidencePage(json).html();
    }

    /** For the audit log: what was shown, and the file's hash. */
    public ObjectNode summary() {
        return MAPPER.createObjectNode().put("run", json.path("run").asLong()).put("state", json.path("state").asText())
                .put("epoch", json.path("epoch").asLong()).put("toSeq", json.path("toSeq").asLong()).put("root", root())
                .put("evidence", hash());
    }
}
