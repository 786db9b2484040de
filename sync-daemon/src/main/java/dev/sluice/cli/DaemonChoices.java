package dev.sluice.cli;

import dev.sluice.api.DaemonClient;
import dev.sluice.settings.SettingKey;
import dev.sluice.settings.Settings;
import java.net.URI;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** How a command finds the running daemon. */
final class DaemonChoices {

    @Option(names = "--daemon", paramLabel = "URL", description = "the daemon's address (default: http://127.0.0.1:7717)")
    private URI daemon;

    @Option(names = "--token-file", paramLabel = "FILE", description = "file with the API's token (default: in the state dir)")
    private String tokenFile;

    @Option(names = {"-c", "--config"}, paramLabel = "FILE", description = "YAML file with settings")
    private Path config;

    @Option(names = "--state-dir", paramLabel = "DIR", description = "the daemon's state directory")
    private String stateDir;

    @Option(names = "--json", description = "print JSON")
    private boolean json;

    boolean json() {
        return json;
    }

    DaemonClient client() {
        Map<SettingKey, String> options = new EnumMap<>(SettingKey.class);
        if (tokenFile != null) {
            options.put(SettingKey.API_TOKEN_FILE, tokenFile);
        }
        if (stateDir != null) {
            options.put(SettingKey.STATE_DIR, stateDir);
        }
        Settings settings = Settings.load(options, System.getenv(), config);
        URI address = daemon != null ? daemon : URI.create("http://127.0.0.1:" + settings.api().port());
        return DaemonClient.of(address, settings.api().tokenFile());
    }
}
