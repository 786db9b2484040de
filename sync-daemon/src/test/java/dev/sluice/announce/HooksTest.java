package dev.sluice.announce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.cutover.Traffic;
import dev.sluice.settings.InvalidSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
class HooksTest {

    private static final Set<String> STEPS = Set.of("FENCE_SOURCE", "FENCE_TARGET", "DRAIN", "FLIP");
    private static final Duration MINUTE = Duration.ofMinutes(1);

    @TempDir
    private Path folder;

    @Test
    void hookIsToldWhatHappens() throws Exception {
        hook("after-flip", "env | grep -E '^(SLUICE_|DATABASE_URL)' | sort > told; pwd >> told");
        hooks(MINUTE).run(moment(false, "FLIP"), MINUTE);
        assertThat(folder.resolve("told")).content().isEqualTo("""
                DATABASE_URL=postgresql://app@db/a $b
                SLUICE_ACT=cutover
                SLUICE_EPOCH=7
                SLUICE_FLAG_FILE=/run/app/traffic.env
                SLUICE_MIGRATION=shop
                SLUICE_MOMENT=after
                SLUICE_STEP=flip
                SLUICE_TRAFFIC=postgres
                """ + folder.toRealPath() + "\n");
    }

    @Test
    void onlyAHookBeforeTheFenceMaySayNo() throws Exception {
        for (String name : new String[] {"before-fence-source", "after-fence-source", "before-flip", "after-flip"}) {
            hook(name, "echo first; echo 'backup is running' >&2; exit 3");
        }
        hook("before-fence-target", "exit 1");
        Hooks hooks = hooks(MINUTE);
        assertThatThrownBy(() -> hooks.run(moment(true, "fence_target"), MINUTE)).isInstanceOf(Hooks.Veto.class);
        assertThatThrownBy(() -> hooks.run(moment(true, "FENCE_SOURCE"), MINUTE)).isInstanceOf(Hooks.Veto.class)
                .hasMessage("the hook " + folder.resolve("before-fence-source") + " does not allow this cutover: it ended with"
                        + " exit status 3; it said last: backup is running");
        hooks.run(moment(false, "FENCE_SOURCE"), MINUTE);
        hooks.run(moment(true, "FLIP"), MINUTE);
        hooks.run(moment(false, "FLIP"), MINUTE);
        hooks.run(moment(true, "DRAIN"), MINUTE);
    }

    @Test
    void hangingHookIsKilledWithItsChildren() throws Exception {
        hook("before-fence-source", "sleep 300 & echo $! > child; (sleep 301; true) & wait");
        assertThatThrownBy(() -> hooks(Duration.ofMillis(400)).run(moment(true, "FENCE_SOURCE"), MINUTE))
                .isInstanceOf(Hooks.Veto.class).hasMessageContaining("had not ended after 400 ms and was killed");
        long child = Long.parseLong(Files.readString(folder.resolve("child")).strip());
        Awaitility.await().atMost(20, TimeUnit.SECONDS).until(() -> ProcessHandle.of(child)
                .filter(ProcessHandle::isAlive).filter(process -> process.info().command().orElse("").contains("sleep"))
                .isEmpty());
    }

    @Test
    void whatIsLeftOfTheTimeBoundsAHookToo() throws Exception {
        hook("after-fence-source", "sleep 300");
        long began = System.nanoTime();
        hooks(MINUTE).run(moment(false, "FENCE_SOURCE"), Duration.ofMillis(300));
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
    }

    @Test
    void childInTheBackgroundHoldsNobodyUp() throws Exception {
        hook("after-flip", "sleep 20 & echo $! > child");
        long began = System.nanoTime();
        hooks(MINUTE).run(moment(false, "FLIP"), MINUTE);
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(15));
        ProcessHandle.of(Long.parseLong(Files.readString(folder.resolve("child")).strip()))
                .ifPresent(ProcessHandle::destroy);
    }

    @Test
    void muchOutputIsCutAndTheLastLineKept() throws Exception {
        hook("before-fence-source", "yes 0123456789 | head -c 3000000; echo; echo the end; exit 1");
        assertThatThrownBy(() -> hooks(MINUTE).run(moment(true, "FENCE_SOURCE"), MINUTE))
                .hasMessageEndingWith("it said last: the end");
    }

    @Test
    void argumentsAndShellsHaveNoPartInIt() throws Exception {
        Files.writeString(folder.resolve("before-fence-source"), "no interpreter is named here");
        Files.setPosixFilePermissions(folder.resolve("before-fence-source"), PosixFilePermissions.fromString("rwxr-xr-x"));
        assertThatThrownBy(() -> hooks(MINUTE).run(moment(true, "FENCE_SOURCE"), MINUTE)).isInstanceOf(Hooks.Veto.class);
    }

    @Test
    void fileThatWouldNeverRunIsAMistake() throws IOException {
        hook("befor-fence", "true");
        hook("README.md", "true");
        Files.writeString(folder.resolve("after-flip"), "#!/bin/sh\n");
        assertThatThrownBy(() -> hooks(MINUTE)).isInstanceOf(InvalidSettings.class)
                .hasMessageContaining("befor-fence is named after no step").hasMessageContaining("before-flip")
                .hasMessageContaining("after-flip can't be executed: chmod +x").hasMessageNotContaining("README");
        assertThatThrownBy(() -> Hooks.in(folder.resolve("none"), MINUTE, "shop", folder, STEPS))
                .isInstanceOf(InvalidSettings.class).hasMessageContaining("hooks.folder");
    }

    @Test
    void noFolderIsNoHooks() throws Exception {
        Hooks.in(null, MINUTE, "shop", folder, STEPS).run(moment(true, "FENCE_SOURCE"), MINUTE);
    }

    private Hooks hooks(Duration timeout) {
        return Hooks.in(folder, timeout, "shop", Path.of("/run/app/traffic.env"), STEPS);
    }

    private static Hooks.Moment moment(boolean before, String step) {
        return new Hooks.Moment("cutover", before, step, new Announcement(Traffic.POSTGRES, 7, "postgresql://app@db/a $b"));
    }

    private void hook(String name, String body) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
