package dev.sluice;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import dev.sluice.settings.SettingKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** House rules that a machine can check; why each exists stands in docs/ARCHITECTURE.md and CONTRIBUTING.md. */
class TidyTest {

    /** The packages in the order in which data goes: each may only use those before it. */
    private static final List<String> ORDER = List.of(
            // trigger-capture
            "change", "sqlite", "schema", "capture", "tail",
            // conflict-resolver
            "conflict",
            // for the application's own use, see datasourceStandsAlone
            "datasource",
            // sync-daemon: ground, the way of the data, on top
            "postgres", "settings", "console", "phase",
            "mapping", "census", "assess", "translate", "plan", "store", "audit", "fence", "declare", "apply", "copy", "verify", "follow",
            "reverse", "cutover", "announce", "migration", "metrics",
            "api", "daemon", "demo", "bench", "cli");

    private static final Set<String> CAPTURE = Set.of("change", "sqlite", "schema", "capture", "tail");

    private static final Pattern VAGUE_NAME = Pattern.compile(".*(Manager|Helper|Utils?|Impl|Processor|Data|Info)");

    private static final Path ROOT = root();

    private static final JavaClasses MAIN = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS).importPackages("dev.sluice");

    private static Path root() {
        Path at = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(at.resolve("trigger-capture"))) {
            at = at.getParent();
        }
        return at;
    }

    // ---- packages ----

    @Test
    void everyPackageSaysItsJobInOneSentence() throws IOException {
        List<String> silent = new ArrayList<>();
        for (Path directory : directoriesOf(mainSources())) {
            Path info = directory.resolve("package-info.java");
            String text = Files.exists(info) ? Files.readString(info) : "";
            int end = text.indexOf("*/");
            String comment = end < 0 ? "" : text.substring(0, end).replaceAll("/\\*\\*|\n \\*", " ").strip();
            if (!comment.endsWith(".") || comment.contains(". ")) {
                silent.add(ROOT.relativize(directory).toString());
            }
        }
        assertThat(silent).as("packages whose package-info.java is missing or not one sentence").isEmpty();
    }

    @Test
    void everyPackageHasItsPlaceInTheOrder() {
        Set<String> packages = MAIN.stream().map(TidyTest::area).collect(Collectors.toCollection(TreeSet::new));
        packages.removeAll(ORDER);
        assertThat(packages).as("packages that TidyTest.ORDER does not name").isEmpty();
    }

    @Test
    void dependenciesRunOneWay() {
        for (int i = 0; i < ORDER.size(); i++) {
            String[] later = packagesOf(ORDER.subList(i + 1, ORDER.size()).stream());
            if (later.length > 0) {
                noClasses().that().resideInAPackage(packageOf(ORDER.get(i))).should().dependOnClassesThat()
                        .resideInAnyPackage(later).allowEmptyShould(true).check(MAIN);
            }
        }
    }

    @Test
    void packagesHaveNoCycles() {
        SlicesRuleDefinition.slices().matching("dev.sluice.(*)..").should().beFreeOfCycles().check(MAIN);
    }

    @Test
    void triggerCaptureKnowsNeitherPostgresNorTheDaemon() {
        String[] foreign = packagesOf(ORDER.stream().filter(name -> !CAPTURE.contains(name)));
        noClasses().that().resideInAnyPackage(packagesOf(CAPTURE.stream()))
                .should().dependOnClassesThat().resideInAnyPackage(foreign)
                .orShould().dependOnClassesThat().resideInAPackage("org.postgresql..").check(MAIN);
    }

    @Test
    void conflictResolverIsPure() {
        classes().that().resideInAPackage("dev.sluice.conflict..").should().onlyDependOnClassesThat(describe(
                "are its own, the change vocabulary's, or java.lang, java.util and java.math without concurrency",
                type -> type.isPrimitive() || type.getBaseComponentType().isPrimitive()
                        || Set.of("dev.sluice.conflict", "dev.sluice.change", "java.lang", "java.lang.invoke",
                                "java.lang.runtime", "java.util", "java.util.function", "java.util.stream", "java.math")
                                .contains(type.getBaseComponentType().getPackageName()))).check(MAIN);
        noClasses().that().resideInAPackage("dev.sluice.conflict..").should().callMethodWhere(
                calls(System.class, "currentTimeMillis", "nanoTime", "getenv", "getProperty")).check(MAIN);
    }

    @Test
    void datasourceStandsAlone() {
        classes().that().resideInAPackage("dev.sluice.datasource..").should().onlyDependOnClassesThat()
                .resideInAnyPackage("dev.sluice.datasource..", "java..", "javax.sql..").check(MAIN);
    }

    // ---- drivers ----

    @Test
    void onlySqliteFileConnectsToASource() {
        noClasses().that().doNotHaveFullyQualifiedName("dev.sluice.sqlite.SqliteFile")
                // their applications are no part of Sluice
                .and().resideOutsideOfPackages("dev.sluice.demo..", "dev.sluice.bench..")
                .should().dependOnClassesThat().haveFullyQualifiedName("org.sqlite.SQLiteConfig")
                .orShould().dependOnClassesThat().haveFullyQualifiedName("java.sql.DriverManager").check(MAIN);
    }

    @Test
    void onlyTheSqlitePackageKnowsSqlitesDriver() {
        noClasses().that().resideOutsideOfPackages("dev.sluice.sqlite..", "dev.sluice.demo..", "dev.sluice.bench..") // applications
                .should().dependOnClassesThat().resideInAPackage("org.sqlite..").check(MAIN);
    }

    @Test
    void errorsAreToldApartByCodeAndNotByTheirText() throws IOException {
        List<String> found = linesWith(mainSources(), "getMessage().contains(", "getMessage().startsWith(",
                "getMessage().matches(");
        // SQLite has no code of its own for "no transaction is active"
        found.removeIf(line -> line.startsWith("SqliteSession.java"));
        assertThat(found).isEmpty();
    }

    // ---- words and habits ----

    @Test
    void namesSayWhatAThingIs() throws IOException {
        Stream<String> main = MAIN.stream().map(JavaClass::getSimpleName);
        Stream<String> files = sources("src/test/java").stream()
                .map(file -> file.getFileName().toString().replace(".java", ""));
        assertThat(Stream.concat(main, files).filter(name -> VAGUE_NAME.matcher(name).matches())).isEmpty();
    }

    @Test
    void nothingSleeps() {
        noClasses().that().resideOutsideOfPackage("dev.sluice.demo..") // its application writes at its own pace
                // the census leaves a file that is written to, or locked, alone for a while, bounded and interruptible
                .and().haveNameNotMatching("dev\\.sluice\\.census\\.TableScan(\\$Chunk)?")
                .should().callMethodWhere(calls(Thread.class, "sleep"))
                .orShould().callMethodWhere(calls(java.util.concurrent.TimeUnit.class, "sleep")).check(MAIN);
    }

    @Test
    void nobodyPrintsAStackTrace() {
        noClasses().should().callMethodWhere(describe("printStackTrace",
                call -> call.getName().equals("printStackTrace"))).check(MAIN);
    }

    // ---- documentation ----

    private static final Pattern LINK = Pattern.compile("\\[[^\\]\\[]*]\\(([^)\\s]+)\\)");

    @Test
    void everyRelativeLinkLeadsSomewhere() throws IOException {
        List<String> dead = new ArrayList<>();
        for (Path page : pages()) {
            Matcher link = LINK.matcher(Files.readString(page));
            while (link.find()) {
                String goal = link.group(1);
                if (goal.matches("[a-z]+:.*")) {
                    continue; // another site
                }
                int hash = goal.indexOf('#');
                String name = hash < 0 ? goal : goal.substring(0, hash);
                Path file = name.isEmpty() ? page : page.resolveSibling(name).normalize();
                if (!Files.exists(file) || hash >= 0 && !anchors(file).contains(goal.substring(hash + 1))) {
                    dead.add(ROOT.relativize(page) + " → " + goal);
                }
            }
        }
        assertThat(dead).isEmpty();
    }

    @Test
    void configurationPageNamesEverySettingWithItsDefault() throws IOException {
        String page = Files.readString(ROOT.resolve("docs/operating/configuration.md"));
        assertThat(SettingKey.values()).allSatisfy(key -> assertThat(page).contains("| `" + key.path() + "` | `"
                + key.variable() + "` | " + (key.fallback() == null ? "" : "`" + key.fallback() + "`") + " |"));
    }

    /** The anchors that a page's headings get on the usual hosts. */
    private static Set<String> anchors(Path page) throws IOException {
        return Files.readString(page).lines().filter(line -> line.matches("#+ .*"))
                .map(line -> line.replaceFirst("#+ ", "").toLowerCase(java.util.Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-'))
                .collect(Collectors.toSet());
    }

    private static List<Path> pages() throws IOException {
        List<Path> pages = new ArrayList<>();
        try (Stream<Path> top = Files.list(ROOT)) {
            top.filter(file -> file.toString().endsWith(".md")).forEach(pages::add);
        }
        for (String folder : List.of("docs", "deploy")) {
            if (Files.isDirectory(ROOT.resolve(folder))) {
                try (Stream<Path> files = Files.walk(ROOT.resolve(folder))) {
                    files.filter(file -> file.toString().endsWith(".md")).forEach(pages::add);
                }
            }
        }
        return pages;
    }

    // ---- small things ----

    private static String packageOf(String name) {
        return "dev.sluice." + name + "..";
    }

    private static String[] packagesOf(Stream<String> names) {
        return names.map(TidyTest::packageOf).toArray(String[]::new);
    }

    /** {@code plan} for {@code dev.sluice.plan.Planner}. */
    private static String area(JavaClass type) {
        return type.getPackageName().replaceFirst("^dev\\.sluice\\.?", "").replaceFirst("\\..*", "");
    }

    private static DescribedPredicate<JavaCall<?>> calls(Class<?> owner, String... names) {
        return describe(owner.getSimpleName() + "." + String.join(" or ", names),
                call -> call.getTargetOwner().isEquivalentTo(owner) && Set.of(names).contains(call.getName()));
    }

    private static List<Path> mainSources() throws IOException {
        return sources("src/main/java");
    }

    private static List<Path> sources(String folder) throws IOException {
        List<Path> found = new ArrayList<>();
        for (String module : List.of("trigger-capture", "conflict-resolver", "sync-daemon")) {
            Path directory = ROOT.resolve(module).resolve(folder);
            if (Files.isDirectory(directory)) {
                try (Stream<Path> files = Files.walk(directory)) {
                    files.filter(file -> file.toString().endsWith(".java")).forEach(found::add);
                }
            }
        }
        return found;
    }

    private static Set<Path> directoriesOf(List<Path> files) {
        return files.stream().map(Path::getParent).collect(Collectors.toCollection(TreeSet::new));
    }

    private static List<String> linesWith(List<Path> files, String... texts) throws IOException {
        List<String> found = new ArrayList<>();
        for (Path file : files) {
            for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
                if (Stream.of(texts).anyMatch(line::contains)) {
                    found.add(file.getFileName() + ": " + line.strip());
                }
            }
        }
        return found;
    }
}
