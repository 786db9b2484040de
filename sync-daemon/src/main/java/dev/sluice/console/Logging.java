package dev.sluice.console;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.EncoderBase;
import dev.sluice.settings.Settings;
import java.util.Map;
import org.slf4j.LoggerFactory;

/** Sets up the process's log: to standard error, above a progress bar, for people or as one JSON object a line. */
public final class Logging {

    /** UTC, so that lines of both machines and both databases can be laid side by side. */
    private static final String PATTERN = "%d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z',UTC} %-5level %-22.22thread %logger{0} -"
            + " %msg%n%ex";

    /** Libraries that speak about their own life; what matters we say ourselves. */
    private static final Map<String, Level> QUIET = Map.of("com.zaxxer.hikari", Level.ERROR, "org.eclipse.jetty",
            Level.WARN, "io.javalin", Level.OFF, "org.postgresql", Level.WARN,
            "org.sqlite", Level.OFF, "org.jline", Level.ERROR,
            "io.debezium", Level.OFF, "org.apache.kafka", Level.OFF); // they quote values; the reverse stream says what matters

    private Logging() {
    }

    /** Replaces whatever set-up there is. */
    public static void configure(Settings.Log log, Terminal terminal) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        EncoderBase<ILoggingEvent> encoder = switch (log.format()) {
            case JSON -> new JsonLines();
            case TEXT -> text();
        };
        encoder.setContext(context);
        encoder.start();
        OutputStreamAppender<ILoggingEvent> appender = new OutputStreamAppender<>();
        appender.setContext(context);
        appender.setName("stderr");
        appender.setEncoder(encoder);
        appender.setOutputStream(terminal.lines());
        appender.start();

        Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.addAppender(appender);
        Level level = Level.toLevel(log.level().name());
        root.setLevel(level.isGreaterOrEqual(Level.INFO) ? level : Level.INFO);
        context.getLogger("dev.sluice").setLevel(level);
        QUIET.forEach((name, quiet) -> context.getLogger(name).setLevel(quiet));
    }

    private static EncoderBase<ILoggingEvent> text() {
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setPattern(PATTERN);
        return encoder;
    }
}
