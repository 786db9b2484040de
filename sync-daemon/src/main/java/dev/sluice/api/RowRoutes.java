package dev.sluice.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.api.RowControl.Act;
import dev.sluice.api.RowControl.What;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import java.util.Locale;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Parked rows, conflicts and the audit log over HTTP. Thread-safe. */
final class RowRoutes {

    private static final int ENTRIES_MAX = 1_000;
    private static final Pattern USER = Pattern.compile("[\\p{L}\\p{N}._@\\\\-]{1,64}");

    /** The user of the operating system who gave the command, as its client says. */
    static final String USER_HEADER = "X-Sluice-User";

    private final DaemonControl control;
    private final Function<Context, JsonNode> body;
    private final BiConsumer<Context, JsonNode> answer;

    RowRoutes(DaemonControl control, Function<Context, JsonNode> body, BiConsumer<Context, JsonNode> answer) {
        this.control = control;
        this.body = body;
        this.answer = answer;
    }

    void register(JavalinConfig config) {
        config.routes.get("/v1/parked/{id}", context -> look(context, What.PARKED));
        act(config, "/v1/parked/{id}/", Act.RETRY, Act.EDIT, Act.DISCARD);
        config.routes.get("/v1/conflicts", context -> answer.accept(context, control.rows().look(What.CONFLICT, null,
                flag(context, "all"))));
        config.routes.get("/v1/conflicts/{id}", context -> look(context, What.CONFLICT));
        act(config, "/v1/conflicts/{id}/", Act.RESOLVE);
        config.routes.get("/v1/audit", context -> answer.accept(context, control.rows().audit(number(context, "after", 0),
                (int) Math.min(ENTRIES_MAX, number(context, "limit", ENTRIES_MAX)))));
        config.routes.get("/v1/audit/verify", context -> answer.accept(context, control.rows().verifyAudit()));
    }

    private void look(Context context, What what) {
        answer.accept(context, control.rows().look(what, context.pathParam("id"), flag(context, "values")));
    }

    private void act(JavalinConfig config, String path, Act... acts) {
        for (Act act : acts) {
            config.routes.post(path + act.name().toLowerCase(Locale.ROOT), context -> answer.accept(context,
                    control.rows().act(act, context.pathParam("id"), body.apply(context), actor(context))));
        }
    }

    private static boolean flag(Context context, String name) {
        return "true".equals(context.queryParam(name));
    }

    private static long number(Context context, String name, long fallback) {
        String digits = context.queryParam(name);
        if (digits == null) {
            return fallback;
        }
        if (!digits.matches("[0-9]{1,18}")) {
            throw new ApiServer.BadRequest(400, name + " must be a whole number");
        }
        return Long.parseLong(digits);
    }

    /** Who asks: the user that the client names, by which identity, and from where. */
    static String actor(Context context) {
        String user = context.header(USER_HEADER);
        return (user == null || !USER.matcher(user).matches() ? "somebody" : user) + " (api token, " + context.ip() + ")";
    }
}
