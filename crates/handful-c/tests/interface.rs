//! The header is that of the sources, and programs in C can use the library.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const CRATE: &str = env!("CARGO_MANIFEST_DIR");
const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../handful/models/everyday.safetensors");
/// What a program needs beside the static library.
const SYSTEM: [&str; 4] = ["-lpthread", "-ldl", "-lm", "-lutil"];

#[test]
fn the_header_is_made_of_the_sources() {
    let mut made = Vec::new();
    cbindgen::generate(CRATE).expect("sources can be read").write(&mut made);
    let path = Path::new(CRATE).join("include/handful.h");
    if env::var_os("HANDFUL_UPDATE").is_some() {
        fs::write(&path, &made).expect("the header can be written");
    }
    let found = fs::read(&path).expect("a header");
    assert!(found == made, "run HANDFUL_UPDATE=1 cargo test -p handful-c, and look at the difference");
}

/// Compiles a program with all warnings as errors, and links the static library.
fn compile(source: &Path, folder: &Path) -> PathBuf {
    let libraries = env::current_exe().expect("this test").parent().expect("its folder").to_owned();
    let program = folder.join("program");
    let mut compiler = Command::new(env::var("CC").unwrap_or_else(|_| "cc".to_owned()));
    compiler.args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"]);
    compiler.arg(Path::new(CRATE).join("include")).arg(source).arg("-o").arg(&program);
    compiler.arg(libraries.join("libhandful_c.a")).args(SYSTEM);
    let found = compiler.output().expect("a C compiler: install gcc, or name one in CC");
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    program
}

fn run(program: &Path, arguments: &[&Path]) -> Output {
    Command::new(program).args(arguments).output().expect("the program runs")
}

#[test]
fn the_example_reads_a_digit_from_a_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = compile(&Path::new(CRATE).join("examples/predict.c"), folder.path());
    // A dark upright bar on grey paper.
    let mut picture = b"P5 120 90 255\n".to_vec();
    picture.extend(
        (0..90 * 120)
            .map(|i| if (15..75).contains(&(i / 120)) && (56..63).contains(&(i % 120)) { 30 } else { 215 }),
    );
    let path = folder.path().join("one.pgm");
    fs::write(&path, picture).expect("a picture");

    let found = run(&program, &[Path::new(MODEL), &path]);
    let text = String::from_utf8(found.stdout).expect("text");
    assert!(found.status.success() && text.starts_with("1: "), "{text}");
    assert_eq!(text.matches("\n  a 1 at squared distance ").count(), 5, "{text}");

    let found = run(&program, &[&path, &path]);
    let message = String::from_utf8(found.stderr).expect("text");
    assert!(!found.status.success() && message.starts_with("expected a complete model"), "{message}");
    let found = run(&program, &[&folder.path().join("nothing"), &path]);
    let message = String::from_utf8(found.stderr).expect("text");
    assert!(message.contains("nothing: cannot be read") && message.contains("No such file"), "{message}");
}

#[test]
fn every_function_answers_and_refuses_what_it_cannot_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = compile(&Path::new(CRATE).join("tests/calls.c"), folder.path());
    let found = run(&program, &[Path::new(MODEL)]);
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
}
