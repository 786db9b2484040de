package dev.sluice.demo;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.FileAppender;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.LoggerFactory;

/** While it is open, the process's log goes to a file instead of between the steps. */
final class DemoLog {

    private static final String PATTERN =
            "%d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z',UTC} %-5level %-22.22thread %logger{0} - %msg%n%ex";

    private final Logger root;
    private final Logger ours;
    private final Level oursBefore;
    private final List<Appender<ILoggingEvent>> before = new ArrayList<>();
    private final FileAppender<ILoggingEvent> file = new FileAppender<>();

    private DemoLog(Path path) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        this.root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        this.ours = context.getLogger("dev.sluice");
        this.oursBefore = ours.getLevel();
        root.iteratorForAppenders().forEachRemaining(before::add);
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern(PATTERN);
        encoder.start();
        file.setContext(context);
        file.setFile(path.toString());
        file.setEncoder(encoder);
        file.start();
        before.forEach(root::detachAppender);
        root.addAppender(file);
        ours.setLevel(Level.INFO);
    }

    static DemoLog to(Path path) {
        return new DemoLog(path);
    }

    void close() {
        root.detachAppender(file);
        file.stop();
        before.forEach(root::addAppender);
        ours.setLevel(oursBefore);
    }
}
