#!/usr/bin/env bash
# A synthetic hospital from landing to gold: generate, run, and a look at what came out.
set -euo pipefail
landing="$DEMO/landing"
lake="$DEMO/lake"
rm -rf "$DEMO"
as_of=2025-06-30
ask() {
  echo
  echo "== $1"
  "$CARELAKE_BIN" sql --lake "$lake" "$2"
}

echo "== a hospital of $PATIENTS patients a feed (seed $SEED), with planted errors"
"$CARELAKE_BIN" generate --patients "$PATIENTS" --seed "$SEED" --as-of "$as_of" --out "$landing"
echo
echo "== landing to gold"
"$CARELAKE_BIN" run --landing "$landing" --lake "$lake" --as-of "$as_of"
ask "cost by department" "SELECT * FROM gold.department_treatment_summary ORDER BY total_cost DESC LIMIT 5"
ask "doctors with the most visits" "SELECT * FROM gold.doctor_summary ORDER BY total_visits DESC, doctor_id LIMIT 5"
ask "missed appointments by specialty" "SELECT specialty, count(*) AS appointments, avg(CASE WHEN no_show THEN 1.0 ELSE 0.0 END) AS no_show_rate FROM gold.appointments WHERE no_show IS NOT NULL AND specialty IS NOT NULL GROUP BY specialty ORDER BY no_show_rate DESC LIMIT 5"
echo
echo "== the no-show model: trained, measured on later days, and used on the appointments to come"
"$CARELAKE_BIN" train --lake "$lake" --source scheduling
"$CARELAKE_BIN" score --lake "$lake" --as-of "$as_of"
ask "appointments most likely to be missed" "SELECT appointment_id, appointment_date, ROUND(no_show_probability, 3) AS probability, risk_band, reason_1, reason_2 FROM gold.appointment_predictions ORDER BY no_show_probability DESC, appointment_id LIMIT 5"
ask "days that may take more bookings" "SELECT appointment_date, practitioner_name, appointments, ROUND(expected_no_shows, 1) AS expected_no_shows, extra_bookings FROM gold.overbooking_candidates ORDER BY expected_no_shows DESC, practitioner_id LIMIT 5"
echo
echo "== what was rejected of the network feed, and why"
"$CARELAKE_BIN" quarantine list --lake "$lake" --source network
echo "(the other sources: carelake quarantine list --lake $lake)"
echo
echo "The lake is in $lake. Try:"
echo "  $CARELAKE_BIN tables --lake $lake"
echo "  $CARELAKE_BIN sql --lake $lake \"SELECT * FROM gold.weekly_visit_trends LIMIT 5\""
echo "  $CARELAKE_BIN dq --lake $lake --failing"
