package dev.sluice.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TargetUrlTest {

    @ParameterizedTest
    @ValueSource(strings = {"postgres://ann@db.example:5433/shop?sslmode=require&schema=app",
        "postgresql://ann@db.example:5433/shop?sslmode=require&schema=app",
        "jdbc:postgresql://db.example:5433/shop?user=ann&sslmode=require&currentSchema=app"})
    void everyFormOfTheSameAddressIsRead(String text) {
        TargetUrl url = TargetUrl.parse(text);
        assertThat(url.host()).isEqualTo("db.example");
        assertThat(url.port()).isEqualTo(5433);
        assertThat(url.database()).isEqualTo("shop");
        assertThat(url.user()).isEqualTo("ann");
        assertThat(url.schema()).isEqualTo("app");
        assertThat(url.parameters()).containsOnly(java.util.Map.entry("sslmode", "require"));
        assertThat(url).hasToString("postgres://ann@db.example:5433/shop?schema=app&sslmode=require");
    }

    @Test
    void leftOutPartsHaveTheDefaultsOfPostgresTools() {
        TargetUrl url = TargetUrl.parse("postgres://my_host/shop");
        assertThat(url.host()).isEqualTo("my_host");
        assertThat(url.port()).isEqualTo(5432);
        assertThat(url.effectiveSchema()).isEqualTo("public");
        assertThat(url.withUser("bob").effectiveUser()).isEqualTo("bob");
        assertThat(TargetUrl.parse("postgres:///shop").host()).isEqualTo("localhost");
        assertThat(TargetUrl.parse("jdbc:postgresql:shop").database()).isEqualTo("shop");
        assertThat(TargetUrl.parse("postgres://ann@h").effectiveDatabase()).isEqualTo("ann");
    }

    @Test
    void percentAndIpv6AndAtInUserAreRead() {
        TargetUrl url = TargetUrl.parse("postgres://ann@corp@[::1]:6000/b%C3%BCcher?schema=we%20ird");
        assertThat(url.user()).isEqualTo("ann@corp");
        assertThat(url.host()).isEqualTo("::1");
        assertThat(url.place()).isEqualTo("[::1]:6000");
        assertThat(url.database()).isEqualTo("bücher");
        assertThat(url.schema()).isEqualTo("we ird");
        assertThat(TargetUrl.parse(url.toString())).isEqualTo(url);
    }

    @Test
    void theWordEmbeddedStandsForAServerOfOurOwn() {
        assertThat(TargetUrl.parse("embedded").embedded()).isTrue();
        assertThat(TargetUrl.parse("embedded")).hasToString("embedded");
    }

    @ParameterizedTest
    @ValueSource(strings = {"postgres://ann:s3cret@h/d", "postgres://ann:s3cret/x@h/d", "postgres://ann:s3cret?x@h/d",
        "postgres://h/d?password=s3cret", "jdbc:postgresql://h/d?user=a&password=s3cret", "postgres://ann:@h/d"})
    void aPasswordInTheAddressIsRefusedAndNotRepeated(String text) {
        assertThatThrownBy(() -> TargetUrl.parse(text)).isInstanceOf(TargetRefusal.class)
                .hasMessageContaining("SLUICE_TARGET_PASSWORD").hasMessageContaining("~/.pgpass")
                .hasMessageNotContaining("s3cret");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "mysql://h/d", "/var/lib/x", "postgres://h:0/d", "postgres://h:99999/d",
        "postgres://h:x/d", "postgres://h1,h2/d", "postgres://h/d?sslmod=x", "postgres://h/d?schema=",
                "postgres://h/%zz",
        "postgres://h/d?host=/tmp", "postgres://h/a/b", "postgres://h/d?autosave=always", "postgres://h/d#x"})
    void whatCantBeMeantIsRefused(String text) {
        assertThatThrownBy(() -> TargetUrl.parse(text)).isInstanceOf(TargetRefusal.class);
    }
}
