-- name: condition_names
-- version: 1
-- description: One name for each condition code: texts change between versions of a sender, so measures group by code.
-- grain: one row per source and condition code
-- owner: quality
-- materialised: delta
-- partition_by: source
-- source: the most frequent text of the code, ties by text; a disease when any of its rows is one
-- column source: sender
-- column code: code of the condition
-- column condition: most frequent text of the code
-- column is_disorder: whether it is a disease and not a finding or situation
WITH texts AS (
    SELECT
        c.source,
        c.code,
        COALESCE(c.description, c.code) AS condition,
        COUNT(*) AS mentions,
        MAX(CASE WHEN c.is_disorder THEN 1 ELSE 0 END) AS disorder
    FROM silver.conditions c
    JOIN silver.sources s
        ON s.source = c.source AND s.feed = c.feed AND s.area = 'clinical'
    WHERE c.code IS NOT NULL
    GROUP BY c.source, c.code, COALESCE(c.description, c.code)
),
ranked AS (
    SELECT
        t.source,
        t.code,
        t.condition,
        ROW_NUMBER() OVER (PARTITION BY t.source, t.code ORDER BY t.mentions DESC, t.condition) AS place,
        MAX(t.disorder) OVER (PARTITION BY t.source, t.code) AS disorder
    FROM texts t
)
SELECT
    r.source,
    r.code,
    r.condition,
    r.disorder = 1 AS is_disorder
FROM ranked r
WHERE r.place = 1
