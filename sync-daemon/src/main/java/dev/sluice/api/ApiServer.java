package dev.sluice.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.phase.Phase;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.sqlite.SourceRefusal;
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.util.JavalinBindException;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The daemon's HTTP API: JSON under {@code /v1}, every request with {@code Authorization: Bearer <token>};
 * {@code /healthz},
 * {@code /readyz} and {@code /metrics} without. Errors are {@code {"error": "one sentence"}}. Threads, queues, bodies and waits are
 * bounded.
 */
public final class ApiServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ApiServer.class);

    private static final int THREADS_MAX = 12;
    private static final int CONNECTIONS_MAX = 64;
    private static final int WAITERS_MAX = 32;
    private static final int BODY_BYTES_MAX = 256 << 10;
    private static final Duration WAIT_MAX = Duration.ofSeconds(60);
    private static final long WAIT_STEP_MS = 100;
    private static final Duration SWITCH_GRACE = Duration.ofSeconds(10);
    private static final Pattern TIMEOUT = Pattern.compile("([0-9]{1,6})(ms|s|m)");
    private static final String METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";
    /** For probes and Prometheus: states, counts and names of tables, never a value. */
    private static final Set<String> OPEN_PATHS = Set.of("/healthz", "/readyz", "/metrics");
    private static final Set<String> LOOPBACK_NAMES = Set.of("localhost", "127.0.0.1", "[::1]");

    private final DaemonControl control;
    private final Secret token;
    private final String host;
    private final boolean allowRemote;
    private final Runs verifyRuns = new Runs("verification", "/v1/verify", Duration.ZERO);
    private final Runs switchRuns = new Runs("switch", "/v1/switch", SWITCH_GRACE);
    private final TrafficRoutes traffic;
    private final Semaphore waiters = new Semaphore(WAITERS_MAX);
    private final ScheduledExecutorService waiting = Executors.newSingleThreadScheduledExecutor(
            work -> new Thread(work, "api-wait"));
    private final ObjectMapper json = new ObjectMapper();
    private final Javalin server;

    private ApiServer(DaemonControl control, Secret token, String host, int port, boolean allowRemote) {
        this.control = control;
        this.token = token;
        this.host = host;
        this.allowRemote = allowRemote;
        this.traffic = new TrafficRoutes(control.traffic());
        this.server = Javalin.create(config -> configure(config, port));
    }

    /**
     * Listens at {@code host:port}; port 0 takes a free one, see {@link #uri}.
     *
     * @param allowRemote whether requests may name another host than loopback's; then put TLS in front of it
     * @throws DaemonControl.Refused where the address can't be listened at
     */
    public static ApiServer start(DaemonControl control, Secret token, String host, int port, boolean allowRemote) {
        ApiServer api = new ApiServer(control, token, host, port, allowRemote);
        try {
            api.server.start();
            return api;
        } catch (JavalinBindException e) {
            api.close();
            throw new DaemonControl.Refused("the API can't listen at " + host + ":" + port
                    + ", which is taken or not this machine's: stop the other daemon, or set api.port (0 takes a free"
                    + " one)");
        } catch (RuntimeException e) {
            api.close();
            throw e;
        }
    }

    /** Where it listens. */
    public URI uri() {
        return URI.create("http://" + (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + server.port());
    }

    /** Stops listening, interrupts a verification, lets a switch end and be told, and waits some seconds at most. */
    @Override
    public void close() {
        traffic.close();
        verifyRuns.close();
        switchRuns.close();
        try {
            // who waits for the end of a switch that has ended the daemon hears of it
            waiters.tryAcquire(WAITERS_MAX, 5 * WAIT_STEP_MS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        waiting.shutdownNow();
        try {
            server.stop();
        } catch (Exception e) { // Kotlin's, so checked ones come undeclared
            LOG.debug("a request under way was cut off", e);
        }
    }

    private void configure(JavalinConfig config, int port) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.http.prefer405over404 = true;
        config.http.maxRequestSize = BODY_BYTES_MAX;
        config.http.asyncTimeout = WAIT_MAX.plusSeconds(10).toMillis();
        config.http.defaultContentType = "application/json";

        QueuedThreadPool threads = new QueuedThreadPool(THREADS_MAX, 2, 60_000);
        threads.setName("api");
        config.jetty.threadPool = threads;
        config.jetty.modifyServer(jetty -> {
            jetty.setStopTimeout(2_000);
            jetty.setStopAtShutdown(false);
            // this bounds the queue of the threads too
            jetty.addBean(new NetworkConnectionLimit(CONNECTIONS_MAX, jetty));
        });
        config.jetty.modifyHttpConfiguration(http -> {
            http.setSendServerVersion(false);
            http.setSendDateHeader(false);
        });
        config.jetty.addConnector((Server jetty, org.eclipse.jetty.server.HttpConfiguration http) -> {
            ServerConnector connector = new ServerConnector(jetty, 1, 1,
                    new org.eclipse.jetty.server.HttpConnectionFactory(http));
            connector.setHost(host);
            connector.setPort(port);
            connector.setIdleTimeout(WAIT_MAX.plusSeconds(20).toMillis());
            return connector;
        });
        routes(config);
    }

    private void routes(JavalinConfig config) {
        config.routes.before(this::admit);
        config.routes.get("/healthz", context -> answer(context, 200, JsonNodeFactory.instance.objectNode()
                .put("status", "ok")));
        config.routes.get("/readyz", this::ready);
        config.routes.get("/metrics", context -> {
            context.attribute("answered", true);
            context.status(200).contentType(METRICS_TYPE).result(control.metrics());
        });
        config.routes.get("/v1/status", this::status);
        config.routes.post("/v1/pause", context -> act(context, "pause", control::pause));
        config.routes.post("/v1/resume", context -> act(context, "resume", control::resume));
        config.routes.post("/v1/cancel", context -> act(context, "cancel", control::cancel));
        config.routes.post("/v1/verify", context -> {
            List<String> tables = tables(body(context));
            answer(context, 202, verifyRuns.start(() -> control.verify(tables)));
        });
        config.routes.get("/v1/verify", context -> run(context, verifyRuns, 0));
        config.routes.get("/v1/verify/{run}", context -> run(context, verifyRuns, number(context.pathParam("run"))));
        VerificationControl verifications = control.verifications();
        config.routes.post("/v1/verifications", context -> answer(context, 202, verifications.create(body(context))));
        config.routes.get("/v1/verifications", context -> answer(context, 200, verifications.runs()));
        config.routes.get("/v1/verifications/{run}", context -> {
            long run = runNumber(context);
            if (context.queryParam("timeout") == null) {
                answer(context, 200, verifications.run(run));
            } else {
                await(context, () -> verifications.run(run), now -> !now.path("open").asBoolean());
            }
        });
        config.routes.post("/v1/verifications/{run}/stop", context ->
                answer(context, 200, verifications.stop(runNumber(context))));
        config.routes.post("/v1/verifications/{run}/resume", context ->
                answer(context, 200, verifications.resume(runNumber(context))));
        config.routes.get("/v1/verifications/{run}/evidence", context ->
                answer(context, 200, verifications.evidence(runNumber(context))));
        config.routes.get("/v1/verifications/{run}/report", context -> {
            context.status(200).contentType("text/html; charset=utf-8").result(verifications.page(runNumber(context)));
            context.attribute("answered", true);
        });
        for (SwitchAct act : SwitchAct.values()) {
            config.routes.post("/v1/" + act.label(), context -> {
                ObjectNode order = (ObjectNode) body(context);
                order.put("actor", RowRoutes.actor(context));
                answer(context, 202, switchRuns.start(() -> control.move(act, order)));
            });
        }
        config.routes.get("/v1/switch", context -> run(context, switchRuns, 0));
        config.routes.get("/v1/switch/{run}", context -> run(context, switchRuns, number(context.pathParam("run"))));
        config.routes.get("/v1/parked", context -> answer(context, 200, control.parked()));
        config.routes.post("/v1/parked/retry", context -> {
            control.rows().audited(RowRoutes.actor(context), "retry_parked", JsonNodeFactory.instance.objectNode());
            answer(context, 200, control.retryParked());
        });
        new RowRoutes(control, this::body, (context, found) -> answer(context, 200, found)).register(config);
        config.routes.post("/v1/resync", context -> resync(context, body(context).path("table").asText("")));
        config.routes.post("/v1/resync/{table}", context -> resync(context, context.pathParam("table")));

        traffic.register(config);

        config.routes.exception(DaemonControl.Unknown.class, (e, context) -> error(context, 404, e.getMessage()));
        config.routes.exception(DaemonControl.Refused.class, (e, context) -> error(context, 409, e.getMessage()));
        config.routes.exception(BadRequest.class, (e, context) -> error(context, e.status, e.getMessage()));
        config.routes.exception(HttpResponseException.class, (e, context) -> error(context, e.getStatus(), byStatus(
                e.getStatus())));
        config.routes.exception(Exception.class, (e, context) -> {
            Optional<String> sentence = sentence(e);
            if (sentence.isEmpty()) {
                LOG.error("event=api_failed method={} path={}", context.method(), context.path(), e);
            }
            error(context, sentence.isPresent() ? 409 : 500, sentence.orElse(
                    "the daemon failed to answer this: look into its log"));
        });
        for (int status : List.of(400, 404, 405, 413, 414, 431)) {
            config.routes.error(status, context -> {
                String type = context.res().getContentType();
                if (context.attribute("answered") == null || type == null || !type.contains("json")) {
                    error(context, status, byStatus(status));
                }
            });
        }
    }

    /** A sentence of our own that the failure carries, if it is a refusal. */
    static Optional<String> sentence(Exception failure) {
        return failure instanceof SourceRefusal || failure instanceof TargetRefusal
                ? Optional.of(failure.getMessage()) : Optional.empty();
    }

    /** A page in a browser may be made to send requests here under a name of its own (DNS rebinding), so check it. */
    private void admit(Context context) {
        context.header("Cache-Control", "no-store");
        context.header("X-Content-Type-Options", "nosniff");
        if (OPEN_PATHS.contains(context.path())) {
            return;
        }
        String named = Optional.ofNullable(context.header("Host")).orElse("").toLowerCase(Locale.ROOT)
                .replaceFirst(":[0-9]+$", "");
        String bare = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        if (!allowRemote && !LOOPBACK_NAMES.contains(named) && !named.equals(bare)) {
            throw new BadRequest(403, "this API answers only to the name it listens at: use " + uri());
        }
        String authorization = Optional.ofNullable(context.header("Authorization")).orElse("");
        if (!authorization.regionMatches(true, 0, "Bearer ", 0, 7)
                || !ApiToken.matches(token, authorization.substring(7).strip())) {
            context.header("WWW-Authenticate", "Bearer");
            throw new BadRequest(401, "the token is missing or wrong: send 'Authorization: Bearer' with the one from"
                    + " the daemon's api.tokenFile");
        }
    }

    private void ready(Context context) {
        ObjectNode ready = JsonNodeFactory.instance.objectNode();
        List<String> reasons = control.unready();
        ready.put("ready", reasons.isEmpty());
        reasons.forEach(ready.putArray("reasons")::add);
        answer(context, reasons.isEmpty() ? 200 : 503, ready);
    }

    private void status(Context context) {
        String label = context.queryParam("wait");
        if (label == null) {
            answer(context, 200, control.status());
            return;
        }
        Phase wanted = phase(label);
        await(context, control::status, status -> {
            Optional<Phase> now = known(status.path("phase").asText());
            return now.isEmpty() || now.get().hasReached(wanted) || now.get().successors().isEmpty();
        });
    }

    private void run(Context context, Runs runs, long run) {
        Supplier<JsonNode> state = () -> runs.state(run).orElse(MissingNode.getInstance());
        if (state.get().isMissingNode()) {
            throw new DaemonControl.Unknown(run == 0 ? "no " + runs.what() + " has been started yet"
                    : "there is no " + runs.what() + " " + run + " (any more)");
        }
        if (context.queryParam("timeout") == null) {
            answer(context, 200, state.get());
        } else {
            await(context, state, now -> !now.path("state").asText().equals("running"));
        }
    }

    /** Answers once {@code done} holds or the time is up, without keeping a thread. */
    private void await(Context context, Supplier<JsonNode> state, Predicate<JsonNode> done) {
        long deadline = System.nanoTime() + timeout(context.queryParam("timeout")).toNanos();
        if (!waiters.tryAcquire()) {
            throw new BadRequest(503, "too many requests wait already: try again in a minute");
        }
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        ScheduledFuture<?> looking;
        try {
            looking = waiting.scheduleWithFixedDelay(() -> {
                try {
                    JsonNode now = state.get();
                    if (done.test(now) || System.nanoTime() >= deadline) {
                        answer.complete(now);
                    }
                } catch (RuntimeException e) {
                    answer.completeExceptionally(e);
                }
            }, 0, WAIT_STEP_MS, TimeUnit.MILLISECONDS);
        } catch (java.util.concurrent.RejectedExecutionException e) {
            waiters.release();
            throw new BadRequest(503, "the daemon is stopping");
        }
        answer.whenComplete((now, failure) -> {
            looking.cancel(false);
            waiters.release();
        });
        context.future(() -> answer.thenAccept(now -> answer(context, 200, now)));
    }

    private void act(Context context, String name, Runnable act) {
        control.rows().audited(RowRoutes.actor(context), name, JsonNodeFactory.instance.objectNode());
        act.run();
        answer(context, 200, control.status());
    }

    private void resync(Context context, String table) {
        if (table.isEmpty()) {
            throw new BadRequest(400, "no table is named: send {\"table\": \"name\"}");
        }
        control.rows().audited(RowRoutes.actor(context), "resync", JsonNodeFactory.instance.objectNode().put("table", table));
        control.resync(table);
        answer(context, 202, JsonNodeFactory.instance.objectNode().put("table", table).put("state", "started"));
    }

    private JsonNode body(Context context) {
        try {
            byte[] bytes = context.bodyInputStream().readNBytes(BODY_BYTES_MAX + 1);
            if (bytes.length > BODY_BYTES_MAX) {
                throw new BadRequest(413, byStatus(413));
            }
            JsonNode body = bytes.length == 0 ? JsonNodeFactory.instance.objectNode() : json.readTree(bytes);
            if (!body.isObject()) {
                throw new BadRequest(400, "the request's body must be a JSON object");
            }
            return body;
        } catch (JsonProcessingException e) {
            throw new BadRequest(400, "the request's body is not JSON");
        } catch (IOException e) {
            throw new BadRequest(400, "the request's body did not arrive");
        }
    }

    private static List<String> tables(JsonNode body) {
        List<String> tables = new ArrayList<>();
        JsonNode named = body.path("tables");
        if (!named.isMissingNode() && !named.isArray()) {
            throw new BadRequest(400, "tables must be a list of names");
        }
        for (JsonNode table : named) {
            if (!table.isTextual()) {
                throw new BadRequest(400, "tables must be a list of names");
            }
            tables.add(table.asText());
        }
        return tables;
    }

    private static Duration timeout(String text) {
        if (text == null) {
            return Duration.ofSeconds(30);
        }
        Matcher parts = TIMEOUT.matcher(text);
        if (!parts.matches()) {
            throw new BadRequest(400, "timeout must be a duration such as 500ms, 30s or 1m");
        }
        long count = Long.parseLong(parts.group(1));
        Duration timeout = switch (parts.group(2)) {
            case "ms" -> Duration.ofMillis(count);
            case "s" -> Duration.ofSeconds(count);
            default -> Duration.ofMinutes(count);
        };
        return timeout.compareTo(WAIT_MAX) > 0 ? WAIT_MAX : timeout;
    }

    private static Phase phase(String label) {
        return known(label).orElseThrow(() -> new BadRequest(400, "wait names no phase: one of "
                + String.join(", ", java.util.Arrays.stream(Phase.values()).map(Phase::label).toList())));
    }

    private static Optional<Phase> known(String label) {
        return java.util.Arrays.stream(Phase.values()).filter(phase -> phase.label().equalsIgnoreCase(label))
                .findFirst();
    }

    /** A number, or {@code latest}, which is 0. */
    private static long runNumber(Context context) {
        String run = context.pathParam("run");
        return run.equals("latest") ? 0 : number(run);
    }

    private static long number(String digits) {
        if (!digits.matches("[1-9][0-9]{0,17}")) {
            throw new BadRequest(404, "a verification is named by its number");
        }
        return Long.parseLong(digits);
    }

    private void answer(Context context, int status, JsonNode body) {
        try {
            context.status(status).contentType("application/json").result(json.writeValueAsBytes(body));
            context.attribute("answered", true);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private void error(Context context, int status, String sentence) {
        answer(context, status, JsonNodeFactory.instance.objectNode().put("error", sentence));
    }

    private static String byStatus(int status) {
        return switch (status) {
            case 404 -> "there is nothing at this address: see GET /v1/status";
            case 405 -> "this address takes another method";
            case 413 -> "the request is larger than " + (BODY_BYTES_MAX >> 10) + " kB";
            default -> "the request was not understood";
        };
    }

    /** The request is at fault; the message is one sentence. */
    static final class BadRequest extends RuntimeException {

        private final int status;

        BadRequest(int status, String message) {
            super(message);
            this.status = status;
        }
    }
}
