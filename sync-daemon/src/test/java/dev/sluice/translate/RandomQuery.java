package dev.sluice.translate;

import java.util.List;
import java.util.Random;

/** Makes queries over the tables {@code t} and {@code k} of {@link TranslateIT}. */
final class RandomQuery {

    private final Random random;
    private final RandomExpression expression;

    RandomQuery(Random random) {
        this.random = random;
        this.expression = new RandomExpression(random);
    }

    String next() {
        return switch (random.nextInt(8)) {
            case 0 -> grouped();
            case 1 -> compound();
            case 2 -> "SELECT id, " + subquery() + " AS s FROM " + source() + where();
            case 3 -> "WITH c(x, y) AS (SELECT id, " + value() + " FROM t" + where()
                    + ") SELECT x, y FROM c JOIN t ON t.id = x" + where();
            case 4 -> window();
            case 5 -> "SELECT id, " + value() + " AS v FROM " + source() + where() + " ORDER BY id DESC, k_id LIMIT "
                    + random.nextInt(9);
            case 6 -> "SELECT DISTINCT " + value() + " AS a, " + column() + " AS b FROM " + source() + where();
            default -> "SELECT " + value() + " AS a, " + value() + " AS b FROM " + source() + where();
        };
    }

    private String grouped() {
        String key = random.nextBoolean() ? column() : value();
        String having = random.nextInt(3) == 0 ? " HAVING " + aggregate() + pick(" > 1", " < 3", " IS NULL") : "";
        return "SELECT " + pick(key + " AS g, ", "") + aggregate() + " AS x, " + aggregate() + " AS y FROM " + source()
                + where()
                + " GROUP BY " + key + having;
    }

    private String aggregate() {
        return switch (random.nextInt(9)) {
            case 0 -> "count(*)";
            case 1 -> "count(" + pick("", "DISTINCT ") + column() + ")";
            case 2 -> "sum(" + pick("i", "flag", "k_i", "length(t)", "DISTINCT i") + ")";
            case 3 -> "avg(" + pick("i", "flag", "k_id") + ")";
            case 4 -> pick("min", "max") + "(" + column() + ")";
            case 5 -> pick("min", "max") + "(" + expression.next() + ")";
            case 6 -> "count(*) FILTER (WHERE " + pick("flag", "i > 1", "t IS NOT NULL") + ")";
            case 7 -> "coalesce(max(" + pick("i", "k_id") + "), 0) + " + pick("1", "count(*)");
            default -> "total(" + pick("i", "flag") + ")";
        };
    }

    private String compound() {
        String operator = pick(" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT ");
        String columns = pick("i", "t", "i, t", "flag", "d", "length(t), v");
        String other = pick(columns, columns, columns.replace("i", "j").replace("t,", "v,"));
        String third = random.nextInt(3) == 0 ? pick(" UNION ", " INTERSECT ", " EXCEPT ") + "SELECT " + columns
                + " FROM t" + where() : "";
        return "SELECT " + columns + " FROM t" + where() + operator + "SELECT " + other + " FROM t" + where() + third;
    }

    private String subquery() {
        return switch (random.nextInt(5)) {
            case 0 -> "(SELECT count(*) FROM k WHERE k_i = i)";
            case 1 -> "(SELECT max(k_t) FROM k WHERE " + pick("k_i < i", "k_flag = flag", "k_t < t") + ")";
            case 2 -> column() + pick(" IN ", " NOT IN ") + "(SELECT "
                    + pick("k_i", "k_t", "k_id", "k_flag", "k_i + 0.5") + " FROM k)";
            case 3 -> pick("", "NOT ") + "EXISTS (SELECT 1 FROM k WHERE k_i " + pick("=", ">", "IS") + " i)";
            default -> "(SELECT k_t FROM k WHERE k_id = i ORDER BY k_id)";
        };
    }

    private String window() {
        String function = pick("row_number()", "rank()", "dense_rank()", "count(*)", "sum(i)", "max(i)", "min(t)",
                "lag(t)",
                "first_value(i)", "cume_dist()", "lead(i, 2)", "ntile(3)");
        String partition = random.nextBoolean() ? "PARTITION BY " + column() + " " : "";
        return "SELECT id, " + function + " OVER (" + partition + "ORDER BY "
                + pick("", "t, ", "nc, ", "r DESC, ", "flag, ") + "id)"
                + " AS w FROM t" + where();
    }

    private String value() {
        return "(" + expression.next() + ")";
    }

    private String column() {
        return pick("i", "j", "flag", "r", "d", "t", "v", "free", "nc", "rt", "ts", "u", "k_i", "k_t");
    }

    private String source() {
        return pick("t JOIN k ON k_i = i", "t LEFT JOIN k ON k_t = t AND k_flag", "k LEFT JOIN t ON i = k_i", "t, k",
                "t JOIN k ON k_t = nc", "(SELECT * FROM t WHERE id < 30) s LEFT JOIN k ON k_i = s.i",
                        "t LEFT JOIN k ON k_i = i OR k_i IS i",
                "t CROSS JOIN (SELECT k_id, k_i, upper(k_t) AS k_t, k_flag FROM k WHERE k_id < 3)");
    }

    private String where() {
        String condition = random.nextBoolean() ? value()
                : pick("i > 0", "t IS NOT NULL", "flag", "r < 2.5", "nc > 'a'", "id % 2 = 0");
        return random.nextInt(3) == 0 ? "" : " WHERE " + condition;
    }

    private String pick(String... choices) {
        return List.of(choices).get(random.nextInt(choices.length));
    }
}
