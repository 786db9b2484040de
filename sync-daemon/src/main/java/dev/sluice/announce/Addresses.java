package dev.sluice.announce;

import dev.sluice.cutover.Traffic;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.settings.Settings;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Under which address the application opens each side. Immutable; printing it shows no password.
 *
 * @param holdsPassword true if the PostgreSQL address holds one
 */
public record Addresses(String sqlite, String postgres, boolean holdsPassword) {

    /**
     * What the operator chose, else {@code sqlite:////path} and the target as libpq writes it, without a password.
     *
     * @param target where the target really is, also for an embedded one
     */
    public static Addresses of(Settings.Traffic chosen, Path source, TargetUrl target) {
        String sqlite = chosen.sourceUrl() != null ? chosen.sourceUrl()
                : "sqlite:///" + source.toAbsolutePath().normalize();
        return chosen.targetUrl() == null ? new Addresses(sqlite, libpq(target), false)
                : new Addresses(sqlite, chosen.targetUrl().reveal(), holdsPassword(chosen.targetUrl().reveal()));
    }

    /** Traffic on {@code side}, which is not {@link Traffic#FENCED}. */
    public Announcement at(Traffic side, long epoch) {
        return new Announcement(side, epoch, of(side));
    }

    /** Neither side takes writes; {@code before} did until now. */
    public Announcement fenced(Traffic before, long epoch) {
        return new Announcement(Traffic.FENCED, epoch, of(before));
    }

    private String of(Traffic side) {
        return switch (side) {
            case SQLITE -> sqlite;
            case POSTGRES -> postgres;
            case FENCED -> throw new IllegalArgumentException("a fenced side has no address of its own");
        };
    }

    private static boolean holdsPassword(String url) {
        return url.matches("[^/]*//[^/?#]*:[^/?#]*@.*") || url.matches(".*[?&]password=.*");
    }

    /** JDBC's own parameters mean nothing to libpq, which refuses what it does not know; TLS has the same names. */
    private static String libpq(TargetUrl target) {
        StringBuilder url = new StringBuilder("postgresql://").append(encoded(target.effectiveUser())).append('@')
                .append(target.place()).append('/').append(encoded(target.effectiveDatabase()));
        char separator = '?';
        for (String name : new String[] {"sslmode", "sslrootcert"}) {
            if (target.parameters().containsKey(name)) {
                url.append(separator).append(name).append('=').append(encoded(target.parameters().get(name)));
                separator = '&';
            }
        }
        if (!target.effectiveSchema().equals(TargetUrl.DEFAULT_SCHEMA)) {
            url.append(separator).append("options=").append(encoded("-csearch_path=" + optionWord(target)));
        }
        return url.toString();
    }

    /** libpq splits options at spaces; the server reads the value as SET does. */
    private static String optionWord(TargetUrl target) {
        return ('"' + target.effectiveSchema().replace("\"", "\"\"") + '"').replaceAll("([\\\\ ])", "\\\\$1");
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Override
    public String toString() {
        return sqlite + " and " + (holdsPassword ? "an address with a password" : postgres);
    }
}
