package dev.sluice.migration;

import dev.sluice.capture.Capture;
import dev.sluice.capture.Fence;
import dev.sluice.capture.StaleGeneration;
import dev.sluice.change.Position;
import dev.sluice.cutover.AnswerLost;
import dev.sluice.cutover.SourceLook;
import dev.sluice.cutover.SourceSide;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.MigrationStore.SourceFacts;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The source in a cutover or rollback. Used by one thread; keeps one connection until it is closed. */
final class SqliteSide implements SourceSide, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SqliteSide.class);

    private final SqliteFile file;
    private final Duration busyTimeout;
    private final String schemaHash;
    private final Numbers numbers;
    private SqliteSession writer;
    private final List<Fence.Moment> moments = new ArrayList<>();

    /** What {@code sqlite_sequence} must say at least, asked of PostgreSQL. */
    interface Numbers {
        Map<String, Long> last() throws AnswerLost;
    }

    /**
     * @param busyTimeout how long a lock of the application is waited for
     * @param schemaHash of the schema that PostgreSQL has a copy of
     */
    SqliteSide(SqliteFile file, Duration busyTimeout, String schemaHash, Numbers numbers) {
        this.file = file;
        this.busyTimeout = busyTimeout;
        this.schemaHash = schemaHash;
        this.numbers = numbers;
    }

    @Override
    public long takeGeneration(long min) throws AnswerLost {
        return call(session -> Capture.takeGeneration(session, min));
    }

    @Override
    public SourceLook look() throws AnswerLost {
        return call(session -> {
            session.begin();
            try {
                Fence.State state = Fence.state(session);
                if (state == null) {
                    throw new AnswerLost("capture is not installed in " + file.path()
                            + " any more: put the file back that it was installed in");
                }
                return new SourceLook(state.generation(), state.fenced(), state.recall(), Capture.head(session));
            } finally {
                session.rollback();
            }
        });
    }

    @Override
    public Optional<Position> fence(long generation, long epoch, boolean recallable) throws AnswerLost {
        return ours(session -> {
            Fence.Moment moment = Fence.raise(session, generation, epoch, recallable);
            moments.add(moment);
            return moment.head();
        });
    }

    @Override
    public Noted noteFlip(long generation) throws AnswerLost {
        return ours(session -> Fence.noteFlip(session, generation, schemaHash) ? Noted.DONE : Noted.SCHEMA_CHANGED)
                .orElse(Noted.OUTDATED);
    }

    @Override
    public boolean recall(long generation) throws AnswerLost {
        return ours(session -> lifted(Fence.recall(session, generation))).orElse(false);
    }

    @Override
    public boolean setSequences(long generation) throws AnswerLost {
        Map<String, Long> last = numbers.last();
        return ours(session -> {
            Fence.setSequences(session, generation, last);
            return true;
        }).orElse(false);
    }

    @Override
    public boolean lift(long generation, long epoch) throws AnswerLost {
        return ours(session -> lifted(Fence.lift(session, generation, epoch))).orElse(false);
    }

    private boolean lifted(Fence.Moment moment) {
        if (moment != null) {
            moments.add(moment);
        }
        return moment != null;
    }

    /** What is known of the source, with SQLite's counter of schema changes moved on over those that were ours. */
    SourceFacts adopted(SourceFacts known) {
        SourceFacts facts = known;
        for (Fence.Moment moment : moments) {
            if (facts.schemaVersion() == moment.schemaVersionBefore()) {
                facts = new SourceFacts(facts.epoch(), facts.device(), facts.inode(), facts.schemaHash(), moment.schemaVersion());
            }
        }
        return facts;
    }

    private interface Work<T> {
        T on(SqliteSession session) throws SQLException, AnswerLost;
    }

    /** Empty if a newer daemon has taken over. */
    private <T> Optional<T> ours(Work<T> work) throws AnswerLost {
        return call(session -> {
            try {
                return Optional.of(work.on(session));
            } catch (StaleGeneration e) {
                LOG.debug("outdated", e);
                return Optional.empty();
            }
        });
    }

    private <T> T call(Work<T> work) throws AnswerLost {
        try {
            if (writer == null) {
                writer = file.openWriter(busyTimeout);
            }
            return work.on(writer);
        } catch (SQLException | RuntimeException e) {
            close();
            LOG.debug("the source did not answer", e);
            throw new AnswerLost(Preparation.sentence(e, file.path()));
        }
    }

    @Override
    public void close() {
        if (writer != null) {
            try {
                writer.close();
            } catch (SQLException e) {
                LOG.debug("closing the source", e);
            }
            writer = null;
        }
    }
}
