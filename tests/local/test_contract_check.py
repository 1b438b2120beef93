"""contract check: what a mapping does is what the contract says of it."""

from conftest import CONTRACTS, carelake

NETWORK = CONTRACTS / "feeds/network"


def checked(folder) -> tuple[int, str]:
    done = carelake("contract", "check", "--contracts", folder, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_mapping_that_names_the_persons_rows_by_another_column_than_the_contract_is_found(tmp_path):
    feed = tmp_path / "feeds/network"
    feed.mkdir(parents=True)
    (feed / "treatments.toml").write_text((NETWORK / "treatments.toml").read_text())
    mapping = (NETWORK / "treatments.treatments.sql").read_text()
    (feed / "treatments.treatments.sql").write_text(mapping)
    assert checked(tmp_path)[0] == 0
    (feed / "treatments.treatments.sql").write_text(mapping.replace("visit_id AS encounter_id", "treatment_type AS encounter_id"))
    code, said = checked(tmp_path)
    assert code == 1
    assert "network.treatments.visit_known: its mapping does not pass visit_id on as encounter_id of silver.treatments" in said
