package dev.sluice.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.phase.Phase;
import dev.sluice.postgres.Secret;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** Commands a running daemon; every call is bounded and fails with a {@link DaemonFailure}. Thread-safe. */
public final class DaemonClient {

    private static final Duration CONNECT_WAIT = Duration.ofSeconds(5);
    private static final Duration ANSWER_WAIT = Duration.ofSeconds(75);
    /** The server waits 60 s at most per request. */
    private static final Duration POLL = Duration.ofSeconds(30);

    private final URI daemon;
    private final Secret token;
    private final ObjectMapper json = new ObjectMapper();
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_WAIT)
            .followRedirects(HttpClient.Redirect.NEVER) // the token is for this address only
            .proxy(HttpClient.Builder.NO_PROXY)
            .build();

    public DaemonClient(URI daemon, Secret token) {
        if (daemon.getHost() == null || !List.of("http", "https").contains(String.valueOf(daemon.getScheme()))) {
            throw new DaemonFailure(0, "'" + daemon + "' is no address of a daemon: write http://127.0.0.1:7717");
        }
        this.daemon = daemon;
        this.token = token;
    }

    /** Reads the token from the file that the daemon made. */
    public static DaemonClient of(URI daemon, Path tokenFile) {
        try {
            return new DaemonClient(daemon, Secret.read(tokenFile));
        } catch (NoSuchFileException e) {
            throw DaemonFailure.absent("there is no token at " + tokenFile + ": is \"sluice run\" running, under this"
                    + " user? Name its file with --token-file");
        } catch (IOException e) {
            throw new DaemonFailure(0, "the token in " + tokenFile + " can't be read (" + e.getClass().getSimpleName()
                    + "): run this as the daemon's user, or name the file with --token-file");
        }
    }

    /** Where it looks for the daemon. */
    public URI daemon() {
        return daemon;
    }

    public JsonNode status() {
        return get("/v1/status");
    }

    /** Waits until the migration has reached {@code phase}, ended, or the time is up; returns the status then. */
    public JsonNode status(Phase phase, Duration atMost) {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (true) {
            JsonNode status = get("/v1/status?wait=" + phase.label() + "&timeout=" + step(deadline) + "ms");
            Phase now = Phase.of(status.path("phase").asText());
            if (now.hasReached(phase) || now.successors().isEmpty() || System.nanoTime() >= deadline) {
                return status;
            }
        }
    }

    public JsonNode pause() {
        return post("/v1/pause", null);
    }

    public JsonNode resume() {
        return post("/v1/resume", null);
    }

    public JsonNode cancel() {
        return post("/v1/cancel", null);
    }

    /**
     * Starts a verification and waits for its end.
     *
     * @param tables empty means all
     * @return the report
     */
    public JsonNode verify(List<String> tables, Duration atMost) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        ArrayNode names = body.putArray("tables");
        tables.forEach(names::add);
        return awaited("verification", "/v1/verify", post("/v1/verify", body), atMost);
    }

    /** Makes a verification that goes on by itself, see {@link VerificationControl#create}; returns how it stands. */
    public JsonNode createVerification(JsonNode order) {
        return post("/v1/verifications", order);
    }

    public JsonNode verifications() {
        return get("/v1/verifications");
    }

    /** @param run 0 for the newest */
    public JsonNode verification(long run) {
        return get(verificationPath(run));
    }

    /** Waits until it has ended or the time is up; returns how it stands then. */
    public JsonNode verification(long run, Duration atMost) {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (true) {
            JsonNode now = get(verificationPath(run) + "?timeout=" + step(deadline) + "ms");
            if (!now.path("open").asBoolean() || System.nanoTime() >= deadline) {
                return now;
            }
        }
    }

    public JsonNode stopVerification(long run) {
        return post(verificationPath(run) + "/stop", null);
    }

    public JsonNode resumeVerification(long run) {
        return post(verificationPath(run) + "/resume", null);
    }

    /** The evidence file of a verification that has ended. */
    public JsonNode evidence(long run) {
        return get(verificationPath(run) + "/evidence");
    }

    /** The same as one page of HTML. */
    public String verificationPage(long run) {
        return new String(answer(request(verificationPath(run) + "/report").GET().build()).body(), StandardCharsets.UTF_8);
    }

    private static String verificationPath(long run) {
        return "/v1/verifications/" + (run == 0 ? "latest" : Long.toString(run));
    }

    /** Starts a move of the writes, or of what belongs to it, and waits for its end; see {@link DaemonControl#move}. */
    public JsonNode move(SwitchAct act, JsonNode order, Duration atMost) {
        return awaited(act.label(), "/v1/switch", post("/v1/" + act.label(), order), atMost);
    }

    private JsonNode awaited(String what, String path, JsonNode started, Duration atMost) {
        long deadline = System.nanoTime() + atMost.toNanos();
        long run = started.path("run").asLong();
        while (true) {
            JsonNode state = get(path + "/" + run + "?timeout=" + step(deadline) + "ms");
            switch (state.path("state").asText()) {
                case "done":
                    return state.path("result");
                case "failed":
                    throw new DaemonFailure(409, state.path("error").asText());
                default:
                    break;
            }
            if (System.nanoTime() >= deadline) {
                throw new DaemonFailure(0, what + " " + run + " is still under way after " + atMost.toSeconds()
                        + " s: it goes on in the daemon, ask again later");
            }
        }
    }

    public JsonNode parked() {
        return get("/v1/parked");
    }

    public JsonNode retryParked() {
        return post("/v1/parked/retry", null);
    }

    public JsonNode resync(String table) {
        return post("/v1/resync", JsonNodeFactory.instance.objectNode().put("table", table));
    }

    public JsonNode parkedRow(String id, boolean values) {
        return get("/v1/parked/" + encoded(id) + (values ? "?values=true" : ""));
    }

    /** See {@link RowControl.Act}. */
    public JsonNode actOnParked(RowControl.Act act, String id, JsonNode order) {
        return post("/v1/parked/" + encoded(id) + "/" + act.name().toLowerCase(Locale.ROOT), order);
    }

    /** @param all false for those that are open */
    public JsonNode conflicts(boolean all) {
        return get("/v1/conflicts" + (all ? "?all=true" : ""));
    }

    public JsonNode conflict(long id, boolean values) {
        return get("/v1/conflicts/" + id + (values ? "?values=true" : ""));
    }

    /** @param take {@code source} or {@code target} */
    public JsonNode resolveConflict(long id, String take) {
        return post("/v1/conflicts/" + id + "/resolve", JsonNodeFactory.instance.objectNode().put("take", take));
    }

    /** Entries of the audit log behind {@code after}; not all at once where there are many. */
    public JsonNode audit(long after) {
        return get("/v1/audit?after=" + after);
    }

    public JsonNode verifyAudit() {
        return get("/v1/audit/verify");
    }

    private static String encoded(String part) {
        return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private JsonNode get(String path) {
        return send(request(path).GET().build());
    }

    private JsonNode post(String path, JsonNode body) {
        return send(request(path).header("Content-Type", "application/json").POST(body == null
                ? HttpRequest.BodyPublishers.noBody()
                : HttpRequest.BodyPublishers.ofString(body.toString())).build());
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(daemon.resolve(path)).timeout(ANSWER_WAIT)
                .header("Authorization", "Bearer " + token.reveal()).header("Accept", "application/json")
                .header(RowRoutes.USER_HEADER, System.getProperty("user.name", "").replaceAll("[^!-~]", "?"));
    }

    private JsonNode send(HttpRequest request) {
        return json(answer(request));
    }

    private HttpResponse<byte[]> answer(HttpRequest request) {
        HttpResponse<byte[]> response;
        try {
            response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
        } catch (HttpConnectTimeoutException | ConnectException e) {
            throw DaemonFailure.absent("daemon not reachable at " + daemon + ": is \"sluice run\" running?");
        } catch (HttpTimeoutException e) {
            throw new DaemonFailure(0, "the daemon at " + daemon + " did not answer within " + ANSWER_WAIT.toSeconds()
                    + " s: look into its log");
        } catch (IOException e) {
            throw DaemonFailure.absent("the connection to the daemon at " + daemon + " broke ("
                    + e.getClass().getSimpleName() + "): is \"sluice run\" still running?");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DaemonFailure(0, "stopped while waiting for the daemon");
        }
        if (response.statusCode() / 100 != 2) {
            json(response); // says why
        }
        return response;
    }

    private JsonNode json(HttpResponse<byte[]> response) {
        JsonNode body;
        try {
            body = json.readTree(response.body());
        } catch (JsonProcessingException e) {
            throw notDaemon();
        } catch (IOException e) {
            throw new IllegalStateException(e); // reading from memory
        }
        if (response.statusCode() / 100 == 2 && !body.isMissingNode()) {
            return body;
        }
        if (!body.path("error").isTextual()) {
            throw notDaemon();
        }
        throw new DaemonFailure(response.statusCode(), response.statusCode() == 401
                ? "the daemon at " + daemon + " refused the token: name the daemon's api.tokenFile with --token-file"
                : body.path("error").asText());
    }

    private DaemonFailure notDaemon() {
        return new DaemonFailure(0, "what answers at " + daemon + " is not a daemon of Sluice: check --daemon");
    }

    private static long step(long deadline) {
        return Math.max(1, Math.min(POLL.toMillis(), (deadline - System.nanoTime()) / 1_000_000));
    }
}
