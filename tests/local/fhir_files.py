"""FHIR resources for tests: small, valid, and with a sentinel wherever a person's data may stand."""

import gzip
import json

PERSON = "Sentinella"


def resource(kind, identifier, /, **fields):
    return {"resourceType": kind, "id": identifier, **fields}


def concept(code, display, system="http://snomed.info/sct"):
    return {"coding": [{"system": system, "code": code, "display": display}]}


def patient(identifier="p1", **fields):
    """A patient with a sentinel in every element that names a person."""
    names = {
        "text": {"status": "generated", "div": f"<div>{PERSON}</div>"},
        "identifier": [
            {"type": {"coding": [{"code": "SS"}]}, "system": "http://hl7.org/fhir/sid/us-ssn", "value": f"{PERSON}-ssn"},
            {"type": {"coding": [{"code": "MR"}]}, "value": f"{PERSON}-mrn"},
        ],
        "name": [
            {"use": "maiden", "family": f"{PERSON}born"},
            {"use": "official", "family": f"{PERSON}son", "given": ["Ada", "Maria"]},
        ],
        "telecom": [{"system": "phone", "value": f"{PERSON}-phone"}, {"system": "email", "value": f"{PERSON}@example.org"}],
        "gender": "female",
        "birthDate": "1980-02-03",
        "address": [{"use": "home", "line": [f"{PERSON} Street 1", "Flat 2"], "city": "Oslo", "postalCode": "02118"}],
        "photo": [{"contentType": "image/png", "data": f"{PERSON}photo"}],
        "contact": [{"name": {"family": f"{PERSON}mother"}}],
    }
    return resource("Patient", identifier, **{**names, **fields})


def encounter(identifier="e1", **fields):
    defaults = {
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [concept("185349003", "Encounter for check up (procedure)")],
        "subject": {"reference": "Patient/p1", "display": PERSON},
        "period": {"start": "2024-01-01T08:00:00-05:00", "end": "2024-01-01T09:00:00-05:00"},
    }
    return resource("Encounter", identifier, **{**defaults, **fields})


def condition(identifier="c1", **fields):
    defaults = {
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": concept("44054006", "Diabetes mellitus type 2 (disorder)"),
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        "onsetDateTime": "2024-01-01",
        "note": [{"text": f"{PERSON} says"}],
    }
    return resource("Condition", identifier, **{**defaults, **fields})


def observation(identifier="o1", **fields):
    defaults = {
        "status": "final",
        "code": concept("39156-5", "Body mass index", "http://loinc.org"),
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2024-01-01T08:00:00Z",
    }
    return resource("Observation", identifier, **{**defaults, **fields})


def order(identifier="m1", **fields):
    defaults = {
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept("860975", "metformin 500 MG", "http://www.nlm.nih.gov/research/umls/rxnorm"),
        "subject": {"reference": "Patient/p1"},
        "authoredOn": "2024-01-02T00:00:00Z",
    }
    return resource("MedicationRequest", identifier, **{**defaults, **fields})


def deletions(*urls):
    entries = [{"request": {"method": "DELETE", "url": url}} for url in urls]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def write(lake, path, *resources):
    """Puts resources into landing, one a line."""
    text = "".join(json.dumps(one) + "\n" for one in resources)
    return lake.write(path, gzip.compress(text.encode()) if path.endswith(".gz") else text)
