"""What Airflow keeps of all that: run this last."""


def test_no_name_and_no_number_of_a_person_is_in_airflow(site, first, trained):
    for file in site.airflow.folder.rglob("*"):
        if file.is_file():
            assert b"Sentinel" not in file.read_bytes(), file.name
            assert b"Zq0000" not in file.read_bytes(), file.name
