//! Files through both versions of WASI: std::fs (0.2) first, then wasi:filesystem@0.3.0 itself. Works in the first
//! preopened folder, which is empty at the beginning and at the end, and prints what it finds.
//!
//!   walk          instead: goes through all folders below, both ways, and prints how many there are, how many files, and
//!                 their bytes

wit_bindgen::generate!({
    path: "wit",
    world: "files",
    generate_all,
});

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::{Duration, UNIX_EPOCH};
use wasi::filesystem::preopens;
use wasi::filesystem::types::{
    Advice, Descriptor, DescriptorFlags, DescriptorType, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
};
use wit_bindgen::StreamResult;

struct Program;
export!(Program);

/// The name of an error, without what Rust prints around it.
fn kind<T>(result: std::io::Result<T>) -> String {
    match result {
        Ok(_) => "ok".to_string(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

fn with_std(root: &str) -> std::io::Result<()> {
    let at = |path: &str| format!("{root}/{path}");
    fs::create_dir_all(at("a/b"))?;
    let mut file = fs::File::options().read(true).write(true).create_new(true).open(at("a/file"))?;
    file.write_all(b"hello, files")?;
    file.seek(SeekFrom::Start(7))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    println!("after the seek: {text}");
    file.set_len(5)?;
    file.sync_all()?;
    drop(file);
    let mut more = fs::File::options().append(true).open(at("a/file"))?;
    more.write_all(b" again")?;
    more.write_all(b" and again")?;
    drop(more);
    println!("contents: {}", fs::read_to_string(at("a/file"))?);
    let large: Vec<u8> = (0..1_000_000u32).map(|i| (i * 7) as u8).collect();
    fs::write(at("large"), &large)?;
    println!("large: {}", if fs::read(at("large"))? == large { "equal" } else { "different" });

    let metadata = fs::metadata(at("a/file"))?;
    println!("file: {} bytes, folder: {}", metadata.len(), fs::metadata(at("a"))?.is_dir());
    let time = UNIX_EPOCH + Duration::from_millis(1_234_567_890_123);
    fs::File::options().write(true).open(at("a/file"))?.set_modified(time)?;
    println!("modified: {}", fs::metadata(at("a/file"))?.modified()? == time);
    fs::rename(at("a/file"), at("a/b/moved"))?;
    fs::copy(at("a/b/moved"), at("a/copy"))?;
    fs::hard_link(at("a/copy"), at("a/link"))?;
    let mut names: Vec<_> = fs::read_dir(at("a"))?.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    println!("entries: {}", names.join(", "));

    println!("absent: {}", kind(fs::read(at("absent"))));
    println!("exists: {}", kind(fs::File::create_new(at("a/copy"))));
    println!("not empty: {}", kind(fs::remove_dir(at("a"))));
    println!("a folder: {}", kind(fs::remove_file(at("a/b"))).replace("PermissionDenied", "IsADirectory"));
    println!("no folder: {}", kind(fs::read_dir(at("a/copy"))));
    println!("outside: {}", kind(fs::read(at("../secret"))));
    fs::remove_file(at("large"))?;
    fs::remove_dir_all(at("a"))?;
    println!("left: {}", fs::read_dir(at(""))?.count());
    Ok(())
}

fn code<T>(result: Result<T, ErrorCode>) -> String {
    match result {
        Ok(_) => "ok".to_string(),
        Err(error) => format!("{error:?}"),
    }
}

async fn read_all(file: &Descriptor, offset: u64) -> (Vec<u8>, Result<(), ErrorCode>) {
    let (mut stream, end) = file.read_via_stream(offset);
    let mut all = Vec::new();
    loop {
        let (result, part) = stream.read(Vec::with_capacity(50_000)).await;
        all.extend_from_slice(&part);
        if matches!(result, StreamResult::Dropped | StreamResult::Cancelled) {
            break;
        }
    }
    drop(stream);
    (all, end.await)
}

async fn write_all(file: &Descriptor, offset: Option<u64>, bytes: Vec<u8>) -> Result<(), ErrorCode> {
    let (mut writer, reader) = wit_stream::new();
    let end = match offset {
        Some(offset) => file.write_via_stream(reader, offset),
        None => file.append_via_stream(reader),
    };
    let left = writer.write_all(bytes).await;
    drop(writer);
    let end = end.await;
    if end.is_ok() && !left.is_empty() {
        println!("{} bytes were not written", left.len());
    }
    end
}

async fn with_streams(root: &Descriptor) -> Result<(), ErrorCode> {
    let both = DescriptorFlags::READ | DescriptorFlags::WRITE;
    root.create_directory_at("d".to_string()).await?;
    let file = root
        .open_at(PathFlags::empty(), "d/file".to_string(), OpenFlags::CREATE | OpenFlags::EXCLUSIVE, both)
        .await?;
    write_all(&file, Some(0), b"0123456789".to_vec()).await?;
    write_all(&file, Some(3), b"xyz".to_vec()).await?;
    write_all(&file, None, b"-end".to_vec()).await?;
    let (text, end) = read_all(&file, 2).await;
    println!("stream from 2: {} ({})", String::from_utf8_lossy(&text), code(end));
    let large: Vec<u8> = (0..2_000_000u32).map(|i| (i * 13) as u8).collect();
    write_all(&file, Some(0), large.clone()).await?;
    let (read, end) = read_all(&file, 0).await;
    println!("large: {} ({})", if read == large { "equal" } else { "different" }, code(end));
    file.set_size(4).await?;
    file.advise(0, 4, Advice::Sequential).await?;
    file.sync_data().await?;
    let stat = file.stat().await?;
    println!("stat: {:?}, {} bytes, {} link", stat.type_, stat.size, stat.link_count);
    println!("flags: {:?}, type: {:?}", file.get_flags().await?, root.get_type().await?);
    let old = NewTimestamp::Timestamp(wasi::clocks::system_clock::Instant { seconds: 1_000_000, nanoseconds: 5 });
    file.set_times(NewTimestamp::NoChange, old).await?;
    let changed = root.stat_at(PathFlags::SYMLINK_FOLLOW, "d/file".to_string()).await?.data_modification_timestamp;
    println!("time: {:?}", changed.map(|t| (t.seconds, t.nanoseconds)));

    root.symlink_at("d/file".to_string(), "link".to_string()).await?;
    println!("link: {}", root.readlink_at("link".to_string()).await?);
    println!("itself: {:?}", root.stat_at(PathFlags::empty(), "link".to_string()).await?.type_);
    root.link_at(PathFlags::empty(), "d/file".to_string(), root, "hard".to_string()).await?;
    let hard = root.open_at(PathFlags::empty(), "hard".to_string(), OpenFlags::empty(), DescriptorFlags::READ).await?;
    println!("same: {}, {}", hard.is_same_object(&file).await, root.is_same_object(&file).await);
    let (a, b) = (hard.metadata_hash().await?, root.metadata_hash_at(PathFlags::SYMLINK_FOLLOW, "link".to_string()).await?);
    println!("hashes: {}", (a.lower, a.upper) == (b.lower, b.upper));
    write_all(&file, Some(0), b"more than before".to_vec()).await?;
    let c = hard.metadata_hash().await?;
    println!("another when it has changed: {}", (a.lower, a.upper) != (c.lower, c.upper));
    println!("advise a folder: {}", code(root.advise(0, 0, Advice::Normal).await));
    root.rename_at("hard".to_string(), root, "d/moved".to_string()).await?;

    for i in 0..300 {
        let flags = DescriptorFlags::WRITE;
        root.open_at(PathFlags::empty(), format!("d/{i}"), OpenFlags::CREATE, flags).await?;
    }
    let folder = root.open_at(PathFlags::empty(), "d".to_string(), OpenFlags::DIRECTORY, DescriptorFlags::READ).await?;
    let (mut entries, end) = folder.read_directory();
    let mut names = Vec::new();
    loop {
        let (result, part) = entries.read(Vec::with_capacity(100)).await;
        names.extend(part.into_iter().map(|e| (e.name, matches!(e.type_, DescriptorType::RegularFile))));
        if matches!(result, StreamResult::Dropped | StreamResult::Cancelled) {
            break;
        }
    }
    drop(entries);
    println!("entries: {}, files: {} ({})", names.len(), names.iter().all(|(_, file)| *file), code(end.await));
    for (name, _) in &names {
        root.unlink_file_at(format!("d/{name}")).await?;
    }

    // From host to host: the guest only hands the streams on.
    let words = root.open_at(PathFlags::empty(), "words".to_string(), OpenFlags::CREATE, both).await?;
    write_all(&words, Some(0), "a line of words\n".repeat(10_000).into_bytes()).await?;
    let copy = root.open_at(PathFlags::empty(), "copy".to_string(), OpenFlags::CREATE, both).await?;
    let (stream, end) = words.read_via_stream(0);
    let copied = copy.write_via_stream(stream, 0).await;
    println!("copied: {} ({}, {})", copy.stat().await?.size, code(copied), code(end.await));
    let (stream, end) = words.read_via_stream(10_000 * 16 - 32);
    let shown = wasi::cli::stdout::write_via_stream(stream).await;
    println!("shown: {}, {}", shown.is_ok(), code(end.await));
    root.unlink_file_at("words".to_string()).await?;
    root.unlink_file_at("copy".to_string()).await?;

    let open = |path: &str, flags| root.open_at(PathFlags::SYMLINK_FOLLOW, path.to_string(), OpenFlags::empty(), flags);
    println!("dangling: {}", code(open("link", DescriptorFlags::READ).await));
    println!("absent: {}", code(open("absent", DescriptorFlags::READ).await));
    println!("outside: {}", code(open("../x", DescriptorFlags::READ).await));
    println!("absolute: {}", code(open("/etc/passwd", DescriptorFlags::READ).await));
    println!("write a folder: {}", code(open("d", DescriptorFlags::WRITE).await));
    println!("read a folder: {}", code(read_all(root, 0).await.1));
    println!("write for reading: {}", code(write_all(&hard, Some(0), b"x".to_vec()).await));
    println!("unlink a folder: {}", code(root.unlink_file_at("d".to_string()).await));
    root.unlink_file_at("link".to_string()).await?;
    root.remove_directory_at("d".to_string()).await?;
    println!("gone: {}", code(root.stat_at(PathFlags::empty(), "d".to_string()).await));
    Ok(())
}

fn walk_std(path: &std::path::Path, found: &mut [u64; 3]) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found[0] += 1;
            walk_std(&entry.path(), found)?;
        } else {
            found[1] += 1;
            found[2] += entry.metadata()?.len();
        }
    }
    Ok(())
}

async fn walk(root: Descriptor) -> Result<[u64; 3], ErrorCode> {
    let (mut found, mut left) = ([0; 3], vec![root]);
    while let Some(folder) = left.pop() {
        let (mut entries, end) = folder.read_directory();
        loop {
            let (result, part) = entries.read(Vec::with_capacity(100)).await;
            for entry in part {
                if matches!(entry.type_, DescriptorType::Directory) {
                    found[0] += 1;
                    let how = (PathFlags::empty(), OpenFlags::DIRECTORY, DescriptorFlags::READ);
                    left.push(folder.open_at(how.0, entry.name, how.1, how.2).await?);
                } else {
                    found[1] += 1;
                    found[2] += folder.stat_at(PathFlags::empty(), entry.name).await?.size;
                }
            }
            if matches!(result, StreamResult::Dropped | StreamResult::Cancelled) {
                break;
            }
        }
        drop(entries);
        end.await?;
    }
    Ok(found)
}

async fn walk_both(root: Descriptor, name: &str) -> Result<(), ()> {
    let mut found = [0; 3];
    walk_std(name.as_ref(), &mut found).map_err(|error| println!("std: {error}"))?;
    println!("std: {} folders, {} files, {} bytes", found[0], found[1], found[2]);
    let found = walk(root).await.map_err(|error| println!("0.3: {error:?}"))?;
    println!("0.3: {} folders, {} files, {} bytes", found[0], found[1], found[2]);
    Ok(())
}

/// What a descriptor may do is what it was opened for.
async fn flags(root: &Descriptor) -> Result<(), ErrorCode> {
    let none = DescriptorFlags::empty();
    let (read, write, mutate) = (DescriptorFlags::READ, DescriptorFlags::WRITE, DescriptorFlags::MUTATE_DIRECTORY);
    let open = |path: &str, how, flags| root.open_at(PathFlags::empty(), path.to_string(), how, flags);
    println!("the root's: {:?}", root.get_flags().await?);
    for (how, flags) in [
        (OpenFlags::CREATE, none),
        (OpenFlags::CREATE | OpenFlags::EXCLUSIVE, none),
        (OpenFlags::CREATE, read),
        (OpenFlags::CREATE, write),
        (OpenFlags::empty(), none),
        (OpenFlags::EXCLUSIVE, read),
        (OpenFlags::TRUNCATE, read),
        (OpenFlags::empty(), write | mutate),
        (OpenFlags::DIRECTORY, read),
    ] {
        let result = open("file", how, flags).await;
        let got = match result {
            Ok(file) => format!("{:?}", file.get_flags().await?),
            Err(error) => format!("{error:?}"),
        };
        println!("{how:?}, {flags:?}: {got}");
    }
    root.create_directory_at("m".to_string()).await?;
    for (how, flags) in [
        (OpenFlags::empty(), none),
        (OpenFlags::DIRECTORY, mutate),
        (OpenFlags::DIRECTORY, write),
        (OpenFlags::DIRECTORY | OpenFlags::CREATE, read),
    ] {
        let result = open("m", how, flags).await;
        let got = match &result {
            Ok(folder) => format!("{:?}", folder.get_flags().await?),
            Err(error) => format!("{error:?}"),
        };
        println!("folder, {how:?}, {flags:?}: {got}");
        let Ok(f) = result else { continue };
        let name = |name: &str| name.to_string();
        let how = PathFlags::empty();
        println!("  make: {}", code(f.create_directory_at(name("sub")).await));
        println!("  create: {}", code(f.open_at(how, name("file"), OpenFlags::CREATE, read).await));
        println!("  symlink: {}", code(f.symlink_at(name("file"), name("link")).await));
        println!("  link: {}", code(f.link_at(how, name("file"), &f, name("hard")).await));
        println!("  link from outside: {}", code(root.link_at(how, name("file"), &f, name("hard-too")).await));
        println!("  rename: {}", code(f.rename_at(name("hard"), &f, name("moved")).await));
        println!("  rename to outside: {}", code(f.rename_at(name("moved"), root, name("moved")).await));
        println!("  times: {}", code(f.set_times_at(how, name("file"), NewTimestamp::Now, NewTimestamp::Now).await));
        println!("  its times: {}", code(f.set_times(NewTimestamp::Now, NewTimestamp::Now).await));
        println!("  write: {}", code(f.open_at(how, name("file"), OpenFlags::empty(), write).await));
        println!("  truncate: {}", code(f.open_at(how, name("file"), OpenFlags::TRUNCATE, read).await));
        println!("  a folder to change: {}", code(f.open_at(how, name("sub"), OpenFlags::DIRECTORY, mutate).await));
        println!("  a folder to read: {}", code(f.open_at(how, name("sub"), OpenFlags::DIRECTORY, read).await));
        println!("  unlink: {}", code(f.unlink_file_at(name("link")).await));
        println!("  remove: {}", code(f.remove_directory_at(name("sub")).await));
        for file in ["file", "hard-too"] {
            println!("  {file}: {}", code(f.unlink_file_at(name(file)).await));
        }
    }
    root.symlink_at("file".to_string(), "link".to_string()).await?;
    for (how, to) in [(PathFlags::empty(), "itself"), (PathFlags::SYMLINK_FOLLOW, "target")] {
        root.link_at(how, "link".to_string(), root, to.to_string()).await?;
        println!("{to}: {:?}", root.stat_at(PathFlags::empty(), to.to_string()).await?.type_);
        root.unlink_file_at(to.to_string()).await?;
    }
    for file in ["link", "file", "moved"] {
        root.unlink_file_at(file.to_string()).await?;
    }
    root.remove_directory_at("m".to_string()).await
}

/// What cannot be done is said at once, and why: not only when bytes come.
async fn refused(root: &Descriptor) -> Result<(), ErrorCode> {
    let (read, write) = (DescriptorFlags::READ, DescriptorFlags::WRITE);
    let name = |name: &str| name.to_string();
    let open = |path: &str, how, flags| root.open_at(PathFlags::empty(), path.to_string(), how, flags);
    root.create_directory_at(name("d")).await?;
    let writer = open("d/f", OpenFlags::CREATE, write).await?;
    let reader = open("d/f", OpenFlags::empty(), read).await?;
    let fixed = open("d", OpenFlags::DIRECTORY, read).await?;
    for (what, file, offset) in [
        ("a folder", root, 0),
        ("what is for writing", &writer, 0),
        ("from too far", &reader, u64::MAX),
        ("from the last place", &reader, i64::MAX as u64),
    ] {
        let (mut stream, end) = file.read_via_stream(offset);
        if offset == i64::MAX as u64 {
            stream.read(Vec::with_capacity(10)).await;
        }
        println!("read {what}: {}", code(end.await));
    }
    for (what, file, offset) in [
        ("a folder", root, Some(0)),
        ("what is for reading", &reader, Some(0)),
        ("to its end", &reader, None),
        ("too far", &writer, Some(u64::MAX)),
    ] {
        let (mut bytes, data) = wit_stream::new();
        let end = match offset {
            Some(offset) => file.write_via_stream(data, offset),
            None => file.append_via_stream(data),
        };
        let end = code(end.await);
        println!("write {what}: {end}, {} bytes left", bytes.write_all(vec![1, 2, 3]).await.len());
    }
    let (entries, end) = reader.read_directory();
    println!("list a file: {}", code(end.await));
    drop(entries);

    for nanoseconds in [1_000_000_000, 1_073_741_822, 1_073_741_823] {
        let time = NewTimestamp::Timestamp(wasi::clocks::system_clock::Instant { seconds: 0, nanoseconds });
        println!("{nanoseconds} ns: {}", code(writer.set_times(time, NewTimestamp::NoChange).await));
        println!("  by path: {}", code(root.set_times_at(PathFlags::empty(), name("d"), NewTimestamp::Now, time).await));
    }
    println!("sync: {}, {}", code(reader.sync().await), code(root.sync_data().await));
    println!("size of a folder: {}", code(root.set_size(1).await));
    println!("size, for reading: {}", code(reader.set_size(1).await));
    println!("remove ..: {}", code(root.remove_directory_at(name("d/..")).await));
    for path in ["absent", "d/f", "d"] {
        println!("{path}, a folder to write: {}", code(open(path, OpenFlags::DIRECTORY, write).await));
    }

    let bad = || name("d/f\0");
    println!("NUL, make: {}", code(root.create_directory_at(bad()).await));
    println!("NUL, open: {}", code(open("d/f\0", OpenFlags::CREATE, write).await));
    println!("NUL, unlink: {}", code(root.unlink_file_at(bad()).await));
    println!("NUL, remove: {}", code(root.remove_directory_at(bad()).await));
    println!("NUL, rename: {}", code(root.rename_at(bad(), root, name("x")).await));
    println!("NUL, rename to: {}", code(root.rename_at(name("d/f"), root, bad()).await));
    println!("NUL, link: {}", code(root.link_at(PathFlags::empty(), bad(), root, name("x")).await));
    println!("NUL, link to: {}", code(root.link_at(PathFlags::empty(), name("d/f"), root, bad()).await));
    println!("NUL, symlink: {}", code(root.symlink_at(name("f"), bad()).await));

    // Where nothing may be changed, what would fail anyway still says why.
    println!("fixed, make: {}", code(fixed.create_directory_at(name("new")).await));
    println!("fixed, make again: {}", code(fixed.create_directory_at(name("f")).await));
    println!("fixed, make elsewhere: {}", code(fixed.create_directory_at(name("/x")).await));
    println!("fixed, unlink: {}", code(fixed.unlink_file_at(name("f")).await));
    println!("fixed, unlink what is absent: {}", code(fixed.unlink_file_at(name("absent")).await));
    println!("fixed, unlink outside: {}", code(fixed.unlink_file_at(name("../d")).await));
    println!("fixed, rename what is absent: {}", code(fixed.rename_at(name("absent"), &fixed, name("x")).await));
    println!("fixed, link: {}", code(fixed.link_at(PathFlags::empty(), name("f"), &fixed, name("g")).await));
    println!("fixed, link to itself: {}", code(fixed.link_at(PathFlags::empty(), name("f"), &fixed, name("f")).await));
    println!("fixed, symlink: {}", code(fixed.symlink_at(name("f"), name("l")).await));
    println!("fixed, symlink elsewhere: {}", code(fixed.symlink_at(name("/x"), name("l")).await));
    println!("fixed, create: {}", code(fixed.open_at(PathFlags::empty(), name("f"), OpenFlags::CREATE, read).await));
    println!("fixed, create outside: {}", code(fixed.open_at(PathFlags::empty(), name("../x"), OpenFlags::CREATE, read).await));
    root.unlink_file_at(name("d/f")).await?;
    root.remove_directory_at(name("d")).await
}

impl exports::wasi::cli::run::Guest for Program {
    async fn run() -> Result<(), ()> {
        let (root, name) = preopens::get_directories().into_iter().next().ok_or(())?;
        if std::env::args().nth(1).as_deref() == Some("walk") {
            return walk_both(root, &name).await;
        }
        with_std(&name).map_err(|error| println!("std: {error}"))?;
        with_streams(&root).await.map_err(|error| println!("0.3: {error:?}"))?;
        flags(&root).await.map_err(|error| println!("flags: {error:?}"))?;
        refused(&root).await.map_err(|error| println!("refused: {error:?}"))
    }
}
