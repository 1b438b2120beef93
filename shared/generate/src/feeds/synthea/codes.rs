//! The clinical concepts used, with the texts of a newer and an older export: texts change between
//! versions, codes do not.

/// A code and its text in the first (newer) and the second (older) export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Concept {
    pub(super) code: &'static str,
    texts: [&'static str; 2],
}

impl Concept {
    const fn new(code: &'static str, newer: &'static str, older: &'static str) -> Self {
        Self {
            code,
            texts: [newer, older],
        }
    }

    const fn same(code: &'static str, text: &'static str) -> Self {
        Self::new(code, text, text)
    }

    /// The text as the export writes it.
    pub(super) fn text(&self, export: usize) -> &'static str {
        self.texts.get(export).copied().unwrap_or_default()
    }
}

/// Class and concept of an encounter.
pub(super) type EncounterKind = (&'static str, Concept);

pub(super) const WELLNESS: EncounterKind = ("wellness", Concept::same("162673000", "General examination of patient (procedure)"));
pub(super) const WELL_CHILD: EncounterKind = ("wellness", Concept::same("410620009", "Well child visit (procedure)"));
pub(super) const FOLLOW_UP: EncounterKind = ("ambulatory", Concept::new("390906007", "Follow-up encounter (procedure)", "Follow-up encounter"));
pub(super) const SYMPTOM: EncounterKind = ("ambulatory", Concept::new("185345009", "Encounter for symptom (procedure)", "Encounter for symptom"));
pub(super) const URGENT: EncounterKind = ("urgentcare", Concept::same("702927004", "Urgent care clinic (procedure)"));
pub(super) const EMERGENCY: EncounterKind = ("emergency", Concept::new("50849002", "Emergency room admission (procedure)", "Emergency Room Admission"));
pub(super) const INPATIENT: EncounterKind = ("inpatient", Concept::new("183452005", "Emergency hospital admission (procedure)", "Encounter Inpatient"));
pub(super) const PLANNED: EncounterKind = ("inpatient", Concept::new("183495009", "Non-urgent orthopedic admission (procedure)", "Non-urgent orthopedic admission"));
pub(super) const CERTIFICATION: EncounterKind = ("wellness", Concept::new("308646001", "Death Certification (procedure)", "Death Certification"));

pub(super) const DIABETES: Concept = Concept::new("44054006", "Diabetes mellitus type 2 (disorder)", "Diabetes");
pub(super) const PREDIABETES_NEWER: Concept = Concept::same("714628002", "Prediabetes (finding)");
pub(super) const PREDIABETES_OLDER: Concept = Concept::new("15777000", "Prediabetes (finding)", "Prediabetes");
pub(super) const HYPERTENSION: Concept = Concept::new("59621000", "Essential hypertension (disorder)", "Hypertension");
pub(super) const HYPERTENSION_OTHER: Concept = Concept::new("38341003", "Hypertensive disorder, systemic arterial (disorder)", "Hypertensive disorder");
pub(super) const HYPERLIPIDEMIA: Concept = Concept::new("55822004", "Hyperlipidemia (disorder)", "Hyperlipidemia");
pub(super) const ASTHMA: Concept = Concept::new("195967001", "Asthma (disorder)", "Asthma");
pub(super) const HEART_FAILURE: Concept = Concept::new("88805009", "Chronic congestive heart failure (disorder)", "Chronic congestive heart failure (disorder)");
pub(super) const OBESITY: Concept = Concept::same("162864005", "Body mass index 30+ - obesity (finding)");
pub(super) const SEVERE_OBESITY: Concept = Concept::same("408512008", "Body mass index 40+ - severely obese (finding)");
pub(super) const PNEUMONIA: Concept = Concept::same("233604007", "Pneumonia (disorder)");
pub(super) const APPENDICITIS: Concept = Concept::new("74400008", "Appendicitis (disorder)", "Appendicitis");
pub(super) const STROKE: Concept = Concept::new("230690007", "Cerebrovascular accident (disorder)", "Stroke");
pub(super) const HIP_FRACTURE: Concept = Concept::new("359817006", "Closed fracture of hip (disorder)", "Closed fracture of hip");

/// A finding or situation recorded at a check-up; most condition rows are such.
pub(super) const FINDINGS: &[(Concept, f64)] = &[
    (Concept::same("160903007", "Full-time employment (finding)"), 0.62),
    (Concept::same("73595000", "Stress (finding)"), 0.45),
    (Concept::same("160904001", "Part-time employment (finding)"), 0.2),
    (Concept::same("423315002", "Limited social contact (finding)"), 0.17),
    (Concept::same("741062008", "Not in labor force (finding)"), 0.12),
    (Concept::same("224299000", "Received higher education (finding)"), 0.1),
    (Concept::same("422650009", "Social isolation (finding)"), 0.09),
    (Concept::same("314529007", "Medication review due (situation)"), 0.35),
];

/// A short illness: condition, drug, days until recovery.
pub(super) const ILLNESSES: &[(Concept, Concept, i64)] = &[
    (Concept::same("444814009", "Viral sinusitis (disorder)"), Concept::same("562251", "Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet"), 14),
    (Concept::same("195662009", "Acute viral pharyngitis (disorder)"), Concept::same("834061", "Penicillin V Potassium 250 MG Oral Tablet"), 10),
    (Concept::same("10509002", "Acute bronchitis (disorder)"), Concept::same("313782", "Acetaminophen 325 MG Oral Tablet"), 9),
    (Concept::new("65363002", "Otitis media (disorder)", "Otitis media"), Concept::same("308182", "Amoxicillin 250 MG Oral Capsule"), 12),
    (Concept::new("301011002", "Escherichia coli urinary tract infection (disorder)", "Escherichia coli urinary tract infection"), Concept::same("311989", "Nitrofurantoin 5 MG/ML Oral Suspension"), 8),
];

/// An injury seen in an emergency room.
pub(super) const INJURIES: &[(Concept, Concept, i64)] = &[
    (Concept::new("44465007", "Sprain of ankle (disorder)", "Sprain of ankle"), Concept::same("310965", "Ibuprofen 200 MG Oral Tablet"), 21),
    (Concept::new("65966004", "Fracture of forearm (disorder)", "Fracture of forearm"), Concept::same("206905", "Ibuprofen 400 MG Oral Tablet [Ibu]"), 60),
    (Concept::new("39848009", "Whiplash injury to neck (disorder)", "Whiplash injury to neck"), Concept::same("849574", "Naproxen sodium 220 MG Oral Tablet"), 28),
];

/// Drugs for a disease, each with the days that one fill lasts.
pub(super) type Drugs = &'static [(Concept, i64)];

const LISINOPRIL: Concept = Concept::same("314076", "lisinopril 10 MG Oral Tablet");
const AMLODIPINE: Concept = Concept::same("308136", "amLODIPine 2.5 MG Oral Tablet");
pub(super) const ONE_PRESSURE_DRUG: Drugs = &[(LISINOPRIL, 90)];
pub(super) const TWO_PRESSURE_DRUGS: Drugs = &[(LISINOPRIL, 90), (AMLODIPINE, 90)];
pub(super) const DIABETES_DRUG: Drugs = &[(Concept::same("860975", "24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet"), 30)];
pub(super) const LIPID_DRUG: Drugs = &[(Concept::same("314231", "Simvastatin 10 MG Oral Tablet"), 90)];
pub(super) const ASTHMA_DRUG: Drugs = &[(Concept::same("895994", "120 ACTUAT Fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler"), 60)];
pub(super) const HEART_DRUG: Drugs = &[(Concept::same("313988", "Furosemide 40 MG Oral Tablet"), 30)];

pub(super) const RECONCILIATION: Concept = Concept::new("430193006", "Medication reconciliation (procedure)", "Medication Reconciliation (procedure)");
pub(super) const NEEDS: Concept = Concept::same("710824005", "Assessment of health and social care needs (procedure)");
pub(super) const DEPRESSION_SCREENING: Concept = Concept::new("171207006", "Depression screening (procedure)", "Depression screening");
pub(super) const OXYGEN: Concept = Concept::same("371908008", "Oxygen administration by mask (procedure)");
pub(super) const CHEST_XRAY: Concept = Concept::same("399208008", "Plain chest X-ray (procedure)");
pub(super) const THROAT_CULTURE: Concept = Concept::same("117015009", "Throat culture (procedure)");
pub(super) const APPENDECTOMY: Concept = Concept::new("80146002", "Excision of appendix (procedure)", "Appendectomy");

/// Vaccines by CVX code.
pub(super) const INFLUENZA: Concept = Concept::same("140", "Influenza  seasonal  injectable  preservative free");
pub(super) const TETANUS: Concept = Concept::same("113", "Td (adult) preservative free");
pub(super) const HEPATITIS_B: Concept = Concept::same("08", "Hep B  adolescent or pediatric");

pub(super) const LIFESTYLE_PLAN: Concept = Concept::new("443402002", "Lifestyle education regarding hypertension (procedure)", "Lifestyle education regarding hypertension");
pub(super) const DIABETES_PLAN: Concept = Concept::new("735985000", "Diabetes self management plan (record artifact)", "Diabetes self management plan");

/// Allergen, category.
pub(super) const ALLERGENS: &[(Concept, &str)] = &[
    (Concept::new("84489001", "Mold (organism)", "Allergy to mould"), "environment"),
    (Concept::new("264287008", "Animal dander (substance)", "Dander (animal) allergy"), "environment"),
    (Concept::new("735029006", "Shellfish (substance)", "Shellfish allergy"), "food"),
    (Concept::new("111088007", "Latex (substance)", "Latex allergy"), "environment"),
];

/// A measured value: category, LOINC concept, unit.
pub(super) type Measure = (&'static str, Concept, &'static str);

pub(super) const HEIGHT: Measure = ("vital-signs", Concept::same("8302-2", "Body Height"), "cm");
pub(super) const WEIGHT: Measure = ("vital-signs", Concept::same("29463-7", "Body Weight"), "kg");
pub(super) const BMI: Measure = ("vital-signs", Concept::new("39156-5", "Body mass index (BMI) [Ratio]", "Body Mass Index"), "kg/m2");
pub(super) const DIASTOLIC: Measure = ("vital-signs", Concept::same("8462-4", "Diastolic Blood Pressure"), "mm[Hg]");
pub(super) const SYSTOLIC: Measure = ("vital-signs", Concept::same("8480-6", "Systolic Blood Pressure"), "mm[Hg]");
pub(super) const HEART_RATE: Measure = ("vital-signs", Concept::same("8867-4", "Heart rate"), "/min");
pub(super) const HBA1C: Measure = ("laboratory", Concept::same("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"), "%");
pub(super) const CHOLESTEROL: Measure = ("laboratory", Concept::new("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "Total Cholesterol"), "mg/dL");
pub(super) const TRIGLYCERIDES: Measure = ("laboratory", Concept::new("2571-8", "Triglyceride [Mass/volume] in Serum or Plasma", "Triglycerides"), "mg/dL");
pub(super) const LDL: Measure = ("laboratory", Concept::new("18262-6", "Cholesterol in LDL [Mass/volume] in Serum or Plasma by Direct assay", "Low Density Lipoprotein Cholesterol"), "mg/dL");
pub(super) const HDL: Measure = ("laboratory", Concept::new("2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma", "High Density Lipoprotein Cholesterol"), "mg/dL");
pub(super) const SMOKING: Measure = ("social-history", Concept::new("72166-2", "Tobacco smoking status", "Tobacco smoking status NHIS"), "");
