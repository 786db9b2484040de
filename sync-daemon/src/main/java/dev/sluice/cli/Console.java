package dev.sluice.cli;

import dev.sluice.console.Logging;
import dev.sluice.console.Terminal;
import dev.sluice.settings.Settings;

/** What commands show and where: results on standard output, everything else on standard error. */
final class Console {

    private Console() {}

    /** Logs as the settings say. */
    static void logging(Settings settings) {
        Logging.configure(settings.log(), Terminal.standardError());
    }

    /** Logs only what goes wrong: for commands that ask the daemon, which has a log of its own. */
    static void quiet() {
        Logging.configure(new Settings.Log(Settings.LogFormat.TEXT, Settings.LogLevel.WARN), Terminal.standardError());
    }
}
