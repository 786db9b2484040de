package dev.sluice.announce;

import dev.sluice.announce.Hooks.Moment;
import dev.sluice.cutover.Step;
import dev.sluice.cutover.Traffic;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the application who takes writes by every way there is: feed, flag file and hooks. Used by one thread. */
public final class Announcer {

    private static final Logger LOG = LoggerFactory.getLogger(Announcer.class);

    private final TrafficFeed feed;
    private final Addresses addresses;
    private final Path flagFile; // null: none
    private final Hooks hooks;
    private FlagFile file;
    private String known;
    private String failed;

    /** @param flagFile null for none */
    public Announcer(TrafficFeed feed, Addresses addresses, Path flagFile, Hooks hooks) {
        this.feed = feed;
        this.addresses = addresses;
        this.flagFile = flagFile;
        this.hooks = hooks;
    }

    /** The names that hooks may have a part of, see {@link Hooks#in}. */
    public static Set<String> hookSteps() {
        return Arrays.stream(Step.values()).map(Step::label).collect(Collectors.toCollection(TreeSet::new));
    }

    public TrafficFeed feed() {
        return feed;
    }

    /**
     * Says that {@code side} takes writes, or with {@link Traffic#FENCED} that none does. A flag file that can't be written
     * is reported once in the log and tried again whenever this is called.
     *
     * @param before who took them before, where none does now
     * @param installation see {@link FlagFile}
     */
    public void say(Traffic side, Traffic before, long epoch, String installation) {
        Announcement traffic = side == Traffic.FENCED ? addresses.fenced(before, epoch) : addresses.at(side, epoch);
        feed.set(traffic);
        if (flagFile == null) {
            return;
        }
        if (file == null || !installation.equals(known)) {
            file = new FlagFile(flagFile, installation, addresses.holdsPassword());
            known = installation;
        }
        try {
            file.write(traffic);
            failed = null;
        } catch (IOException e) {
            if (!e.getMessage().equals(failed)) {
                LOG.warn("event=flag_file_failed reason=\"{}\"", e.getMessage());
            }
            failed = e.getMessage();
        }
    }

    /** Why the flag file does not say what is true, or null. */
    public String failed() {
        return failed;
    }

    /**
     * Runs the hook before or after {@code step}, if there is one.
     *
     * @param act {@code cutover} or {@code rollback}
     * @param most how much time there is
     */
    public void hook(String act, boolean before, Step step, Duration most) throws Hooks.Veto, InterruptedException {
        if (feed.now().isPresent()) {
            hooks.run(new Moment(act, before, step.label(), feed.now().get()), most);
        }
    }
}
