package dev.sluice.reverse;

import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetUrl;
import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import io.debezium.engine.spi.OffsetCommitPolicy;
import java.io.IOException;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.connect.source.SourceRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run of Debezium's engine: from the position that SQLite has until it fails or is stopped. */
final class Engine {

    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

    private static final int ROWS_PER_BATCH = 2_048;
    private static final int ROWS_QUEUED_MAX = 8_192;
    private static final long QUEUE_BYTES_MAX = 32L << 20;
    /** While nothing comes, the server is asked this often. */
    private static final int POLL_MILLIS = 5;

    private final DebeziumEngine<RecordChangeEvent<SourceRecord>> engine;
    private volatile Throwable failure;

    /**
     * @param tables schema and name of what is in the publication
     * @param hooks called when records begin to come
     */
    Engine(Target target, Slot slot, List<String[]> tables, Runnable streaming,
            DebeziumEngine.ChangeConsumer<RecordChangeEvent<SourceRecord>> consumer) {
        this.engine = DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
                .using(properties(target, slot, tables))
                .using(Engine.class.getClassLoader())
                .using(OffsetCommitPolicy.always())
                .using(new DebeziumEngine.ConnectorCallback() {
                    @Override
                    public void pollingStarted() {
                        streaming.run();
                    }
                })
                .using((success, message, error) -> failure = error)
                .notifying(consumer)
                .build();
    }

    private static Properties properties(Target target, Slot slot, List<String[]> tables) {
        TargetUrl url = target.url();
        Properties settings = new Properties();
        settings.setProperty("name", slot.name());
        settings.setProperty("topic.prefix", slot.name());
        settings.setProperty("connector.class", "io.debezium.connector.postgresql.PostgresConnector");
        settings.setProperty("offset.storage", LedgerOffsets.class.getName());
        settings.setProperty(LedgerOffsets.STREAM, slot.name());

        settings.setProperty("database.hostname", url.host());
        settings.setProperty("database.port", Integer.toString(url.port()));
        settings.setProperty("database.dbname", url.effectiveDatabase());
        Properties login = target.login();
        for (String name : login.stringPropertyNames()) {
            String prefix = name.equals("user") || name.equals("password") ? "database." : "driver.";
            settings.setProperty(prefix + name, login.getProperty(name));
        }
        // what is printed must not depend on what an administrator set for the role or the database
        settings.setProperty("driver.options", "-c DateStyle=ISO,YMD -c IntervalStyle=postgres -c extra_float_digits=3"
                + " -c bytea_output=hex -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c lock_timeout=0");

        settings.setProperty("plugin.name", "pgoutput");
        settings.setProperty("slot.name", slot.name());
        settings.setProperty("slot.drop.on.stop", "false");
        settings.setProperty("slot.max.retries", "0");
        settings.setProperty("publication.name", slot.publication());
        settings.setProperty("publication.autocreate.mode", "disabled");
        settings.setProperty("offset.mismatch.strategy", "no_validation"); // compared by us before each start
        settings.setProperty("snapshot.mode", "no_data");
        settings.setProperty("table.include.list", String.join(",", tables.stream()
                .map(table -> literally(table[0]) + "\\." + literally(table[1])).toList()));
        settings.setProperty("provide.transaction.metadata", "true");
        settings.setProperty("skipped.operations", "none");
        settings.setProperty("tombstones.on.delete", "false");
        settings.setProperty("include.unknown.datatypes", "true");
        settings.setProperty("interval.handling.mode", "string");
        settings.setProperty("decimal.handling.mode", "string");
        settings.setProperty("converters", "printed");
        settings.setProperty("printed.type", PrintedValues.class.getName());

        settings.setProperty("poll.interval.ms", Integer.toString(POLL_MILLIS));
        settings.setProperty("max.batch.size", Integer.toString(ROWS_PER_BATCH));
        settings.setProperty("max.queue.size", Integer.toString(ROWS_QUEUED_MAX));
        settings.setProperty("max.queue.size.in.bytes", Long.toString(QUEUE_BYTES_MAX));
        settings.setProperty("record.processing.threads", "1");
        settings.setProperty("record.processing.shutdown.timeout.ms", "5000");
        settings.setProperty("task.management.timeout.ms", "60000");
        settings.setProperty("errors.max.retries", "0"); // we start it anew ourselves, from what SQLite has by then
        settings.setProperty("status.update.interval.ms", "5000");
        return settings;
    }

    /** A regular expression without a comma that matches {@code name} alone. */
    private static String literally(String name) {
        StringBuilder pattern = new StringBuilder();
        name.codePoints().forEach(c -> pattern.append(
                c < 128 && Character.isLetterOrDigit(c) || c == '_' ? Character.toString(c) : String.format("\\x{%x}", c)));
        return pattern.toString();
    }

    /** Runs on the calling thread until the engine fails or is stopped; returns why it ended, null if it was stopped. */
    Throwable run() {
        engine.run();
        return failure;
    }

    /** Ends the run, from another thread. */
    void stop() {
        try {
            engine.close();
        } catch (IllegalStateException e) {
            LOG.debug("the engine can't be stopped just now", e); // it is starting, or ending by itself
        } catch (IOException e) {
            LOG.debug("the engine was not stopped cleanly", e);
        }
    }
}
