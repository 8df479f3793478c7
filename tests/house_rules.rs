//! Rules of size and naming that hold for every source file (ARCHITECTURE.md, "Names" and "Sizes").
#![allow(clippy::unwrap_used)]

use percept_tests::{files_with_ending, without_tests, workspace_root};
use std::fs;
use std::path::{Path, PathBuf};

const FILE_CAP_LINES: usize = 500;
const FUNCTION_CAP_LINES: usize = 80;

/// Files above a cap, each with its reason.
const LARGE_FILES: &[(&str, &str)] = &[];
/// Functions above the cap (`file:function`), each with its reason.
const LARGE_FUNCTIONS: &[(&str, &str)] = &[];

fn sources() -> Vec<(String, String)> {
    let root = workspace_root();
    let files = files_with_ending(&root, ".rs").unwrap();
    assert!(files.len() > 50, "only {} sources found below {}", files.len(), root.display());
    files.into_iter().map(|path| (relative(&root, &path), fs::read_to_string(&path).unwrap())).collect()
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

fn is_test_file(name: &str) -> bool {
    name.split('/').any(|part| part == "tests" || part == "benches" || part == "examples") || name.ends_with("tests.rs")
}

#[test]
fn no_source_file_is_longer_than_its_cap() {
    for (name, source) in sources() {
        let lines = without_tests(&source).lines().count();
        let excused = is_test_file(&name) || LARGE_FILES.iter().any(|(file, _)| *file == name);
        assert!(excused || lines <= FILE_CAP_LINES, "{name} has {lines} lines, more than {FILE_CAP_LINES}: split it");
    }
}

/// Functions of a rustfmt-formatted source with their lengths: from `fn` to the brace in the same column.
fn functions(source: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let Some(at) =
            code.find("fn ").filter(|at| code[..*at].chars().all(|c| c.is_alphanumeric() || " ()_".contains(c)))
        else {
            continue;
        };
        // A declaration without a body ends in a semicolon before any brace opens one.
        let signature_end = lines[start..].iter().find(|line| line.ends_with(['{', '}', ';']));
        if signature_end.is_some_and(|line| line.ends_with(';')) {
            continue;
        }
        let closing = format!("{}}}", &line[..line.len() - code.len()]);
        if let Some(length) = lines[start..].iter().position(|l| *l == closing) {
            let name = code[at + 3..].split(['(', '<']).next().unwrap_or_default();
            found.push((name.to_owned(), length + 1));
        }
    }
    found
}

#[test]
fn no_function_is_longer_than_its_cap() {
    for (name, source) in sources() {
        if is_test_file(&name) {
            continue;
        }
        for (function, lines) in functions(without_tests(&source)) {
            let label = format!("{name}:{function}");
            let excused = LARGE_FUNCTIONS.iter().any(|(known, _)| *known == label);
            assert!(
                excused || lines <= FUNCTION_CAP_LINES,
                "{label} has {lines} lines, more than {FUNCTION_CAP_LINES}"
            );
        }
    }
}

#[test]
fn the_length_of_a_function_is_counted_to_its_closing_brace() {
    let source = "trait T {\n    fn declared(&self);\n}\nimpl A {\n    pub fn one(&self) {\n        if x {\n        }\n    }\n}\nfn two() {\n}\n";
    assert_eq!(functions(source), vec![("one".to_owned(), 4), ("two".to_owned(), 2)]);
}

#[test]
fn no_folder_or_file_has_a_name_that_says_nothing() {
    let root = workspace_root();
    let refused = ["utils", "util", "common", "misc", "helpers", "helper"];
    for path in files_with_ending(&root, "").unwrap() {
        let name = relative(&root, &path);
        let stems = Path::new(&name).iter().map(|part| PathBuf::from(part).with_extension(""));
        for stem in stems {
            assert!(!refused.contains(&stem.to_string_lossy().as_ref()), "{name}: name it by what it does");
        }
    }
}

#[test]
fn every_source_file_says_at_its_head_what_it_is() {
    for (name, source) in sources() {
        let head = source.trim_start_matches("#![no_main]").trim_start();
        assert!(head.starts_with("//!"), "{name} begins without a //! head");
    }
}

#[test]
fn the_tree_stays_small_enough_to_clone_without_thought() {
    let root = workspace_root();
    let bytes = |ending: &str, below: &str| -> u64 {
        let files = files_with_ending(&root, ending).unwrap();
        files.iter().filter(|p| relative(&root, p).starts_with(below)).map(|p| fs::metadata(p).unwrap().len()).sum()
    };
    assert!(bytes(".safetensors", "ros_packages/percept_models_data") <= 14 << 20, "weights above 14 MB");
    assert!(bytes("", "bags/") <= 8 << 20, "bags/ above 8 MB");
}

#[test]
fn the_committed_bags_are_those_of_the_manifest() {
    use sha2::{Digest, Sha256};
    let folder = workspace_root().join("bags");
    let manifest = fs::read_to_string(folder.join("manifest.yaml")).unwrap();
    let listed: Vec<(&str, &str)> = manifest.lines().filter_map(|line| line.split_once(": ")).collect();
    let files = files_with_ending(&workspace_root(), ".mcap").unwrap();
    assert_eq!(files.len(), listed.iter().filter(|(name, _)| name.ends_with(".mcap")).count(), "{manifest}");
    for (name, expected) in listed {
        let hash = Sha256::digest(fs::read(folder.join(name)).unwrap());
        let found: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, expected, "{name}: changed without its line in bags/manifest.yaml");
    }
}
