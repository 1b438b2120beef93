-- name: source_hemispheres
-- version: 1
-- description: The hemisphere of each source, which decides the season of a day.
-- grain: one row per source
-- owner: operations
-- materialised: no
-- source: Vitória lies south of the equator; a lake with other southern sources replaces this file
-- column source: sender
-- column hemisphere: northern or southern
SELECT DISTINCT
    s.source,
    CASE WHEN s.feed IN ('noshow_vitoria') THEN 'southern' ELSE 'northern' END AS hemisphere
FROM silver.sources s
