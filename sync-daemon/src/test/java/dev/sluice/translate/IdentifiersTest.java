package dev.sluice.translate;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class IdentifiersTest {

    private final Identifiers names = new Identifiers(Identifiers.Policy.FOLD);

    @Test
    void unquotedNameFoldsToLowerCase() {
        assertThat(names.targetName("InvoiceLine")).isEqualTo("invoiceline");
        assertThat(names.targetName("Größe_Ä")).isEqualTo("größe_Ä");
    }

    @Test
    void nameThatMustBeQuotedKeepsItsSpelling() {
        for (String name : List.of("Order", "First Name", "2nd", "my-Table", "USER", "", "we ird; --", "A\"b", "#X")) {
            assertThat(names.targetName(name)).isEqualTo(name);
        }
    }

    @Test
    void preservePolicyKeepsEverySpelling() {
        assertThat(new Identifiers(Identifiers.Policy.PRESERVE).targetName("InvoiceLine")).isEqualTo("InvoiceLine");
    }

    @Test
    void longNameIsCutWherePostgresCutsIt() {
        String cut = names.targetName("x" + "ä".repeat(40));
        assertThat(cut).isEqualTo("x" + "ä".repeat(31));
        assertThat(names.targetName("xx" + "ä".repeat(40)).getBytes(StandardCharsets.UTF_8)).hasSize(62);
        assertThat(names.targetName("x".repeat(61) + "😀")).isEqualTo("x".repeat(61));
    }

    @Test
    void collidingLongNamesDifferAndAreReported() {
        String stem = "a".repeat(63);
        var columns = names.columns("t");
        assertThat(columns.claimAll(List.of(stem + "1", stem + "2", stem)).values())
                .containsExactly("a".repeat(61) + "_2", "a".repeat(61) + "_3", stem);
        assertThat(names.renames()).extracting(Identifiers.Rename::sourceName).containsExactly(stem + "1", stem + "2");
    }

    @Test
    void sameNameIsClaimedOnce() {
        assertThat(names.relations().claim("T1")).isEqualTo(names.relations().claim("t1")).isEqualTo("t1");
        assertThat(names.renames()).isEmpty();
    }

    @Test
    void systemColumnIsRenamedAndReported() {
        assertThat(names.columns("t").claim("XMIN")).isEqualTo("xmin_2");
        assertThat(names.columns("t").claim("oid")).isEqualTo("oid");
        assertThat(names.relations().claim("xmin")).isEqualTo("xmin");
        assertThat(names.renames()).hasSize(1);
    }

    @Test
    void quoteDoublesQuotes() {
        assertThat(Identifiers.quote("a\"b")).isEqualTo("\"a\"\"b\"");
    }
}
