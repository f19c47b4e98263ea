using System.Diagnostics;
using VlWorker.Demo;
using VlWorker.Demo.Gallery;

namespace VlWorker.Worker.Tests.Demo;

public sealed class ImageScanTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public void Images_are_known_by_name_or_by_their_first_bytes()
    {
        _folder.Write("b.JPG", []);
        _folder.Write("sub/deep/a.png", "text"u8);
        _folder.Write("no-extension", [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        _folder.Write("notes.txt", "BMW is no bitmap, whatever it starts with"u8);
        _folder.Write("nothing", []);

        var scan = Scan();

        Assert.Equal(["b.JPG", "no-extension", "sub/deep/a.png"], scan.Keys);
        Assert.Equal([("notes.txt", "not-an-image"), ("nothing", "not-an-image")], scan.Skipped.Select(note => (note.Key, note.Reason)));
    }

    [Fact]
    public void Odd_names_come_through_as_they_are()
    {
        string[] names = ["#1.jpg", "50%25.jpg", "a b.jpg", "line\nbreak.jpg", "quote\"'.jpg", "ünï—猫.jpg", "</script>".Replace('/', '-') + ".jpg"];
        foreach (var name in names)
            _folder.Write(name, []);

        Assert.Equal(names.Order(StringComparer.Ordinal), Scan().Keys);
    }

    [Fact]
    public void Links_to_folders_are_not_followed_and_loops_end()
    {
        _folder.Write("sub/a.jpg", []);
        Directory.CreateSymbolicLink(_folder.At("sub/loop"), _folder.Path);
        File.CreateSymbolicLink(_folder.At("link.jpg"), _folder.At("sub/a.jpg"));
        File.CreateSymbolicLink(_folder.At("self.jpg"), _folder.At("self.jpg"));
        File.CreateSymbolicLink(_folder.At("broken.jpg"), _folder.At("nowhere"));

        var scan = Scan();

        Assert.Equal(["broken.jpg", "link.jpg", "self.jpg", "sub/a.jpg"], scan.Keys);
        Assert.Equal("link-to-folder", Assert.Single(scan.Skipped).Reason);
    }

    [Fact]
    public void Pipes_and_links_to_devices_are_passed_over()
    {
        using (var process = Process.Start("mkfifo", [_folder.At("pipe.jpg")]))
            process.WaitForExit();
        File.CreateSymbolicLink(_folder.At("zero.png"), "/dev/zero");

        var scan = Scan();

        Assert.Empty(scan.Keys);
        Assert.Equal(["special-file", "special-file"], scan.Skipped.Select(note => note.Reason));
    }

    [Fact]
    public void The_limit_takes_the_first_keys()
    {
        foreach (var name in new[] { "c.jpg", "a.jpg", "b/x.jpg" })
            _folder.Write(name, []);

        var scan = Scan(limit: 2);

        Assert.Equal(["a.jpg", "b/x.jpg"], scan.Keys);
        Assert.Equal(1, scan.Beyond);
    }

    [Fact]
    public void The_output_is_not_part_of_the_input()
    {
        _folder.Write("a.jpg", []);
        _folder.Write("out/results.jsonl", []);
        _folder.Write("out/thumbnail.jpg", []);

        var scan = ImageScan.Run(_folder.Path, _folder.At("out"), null, default);

        Assert.Equal(["a.jpg"], scan.Keys);
        Assert.Empty(scan.Skipped);
    }

    [Fact]
    public void A_folder_may_be_its_own_output()
    {
        _folder.Write("a.jpg", []);
        _folder.Write("results.jsonl", []);

        var scan = ImageScan.Run(_folder.Path, _folder.Path, null, default);

        Assert.Equal(["a.jpg"], scan.Keys);
        Assert.Empty(scan.Skipped);
    }

    public void Dispose() => _folder.Dispose();

    private ImageScan Scan(int? limit = null) => ImageScan.Run(_folder.Path, _folder.At("demo-out"), limit, default);
}
