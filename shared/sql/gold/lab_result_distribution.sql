-- name: lab_result_distribution
-- version: 1
-- description: Number of laboratory reports by test and result.
-- grain: one row per source, test type and result
-- owner: analytics
-- materialised: no
-- source: clinic analytics: all laboratory reports
-- column source: sender
-- column test_type: test that was done
-- column result: result of the test, NULL when not reported
-- column report_count: number of reports
SELECT
    l.source,
    l.test_type,
    l.result,
    COUNT(*) AS report_count
FROM silver.lab_reports l
JOIN silver.sources s
    ON s.source = l.source AND s.feed = l.feed AND s.area = 'clinic'
GROUP BY l.source, l.test_type, l.result
