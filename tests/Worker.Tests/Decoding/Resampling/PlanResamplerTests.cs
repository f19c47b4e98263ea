using FsCheck.Xunit;
using VlWorker.Decoding;
using VlWorker.Decoding.Headers;
using VlWorker.Decoding.Resampling;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Decoding.Resampling;

public sealed class PlanResamplerTests : IDisposable
{
    private readonly DecoderScratch _scratch = new();

    public static TheoryData<int> Exif => [1, 2, 3, 4, 5, 6, 7, 8];

    private static IEnumerable<KernelPath> Paths => Enum.GetValues<KernelPath>().Where(path => path <= KernelPaths.Best);

    [Fact]
    public void Sizes_and_filters_give_Pillows_bytes()
    {
        foreach (var row in GoldenPixels.Json("pillow.json").GetProperty("resized").EnumerateArray())
        {
            int width = row[0].GetInt32(), height = row[1].GetInt32(), newWidth = row[2].GetInt32(), newHeight = row[3].GetInt32();
            var rgb = ResamplerRunner.Formula(width, height);
            for (var filter = 1; filter <= 3; filter++)
            {
                var plan = new ResizePlan(newWidth, newHeight, null, null, null, filter);
                var expected = row[3 + filter].GetString();
                foreach (var path in Paths)
                {
                    var actual = GoldenPixels.Hash(ResamplerRunner.Run(rgb, width, height, plan, default, path, _scratch));
                    Assert.True(expected == actual, $"{width} x {height} -> {newWidth} x {newHeight}, filter {filter}, {path}");
                }
            }
        }
    }

    [Property(MaxTest = 60)]
    public void All_paths_and_orientations_agree_with_the_description(byte width, byte height, byte newWidth, byte newHeight, byte choice)
    {
        int w = 1 + (width % 90), h = 1 + (height % 90), nw = 1 + (newWidth % 70), nh = 1 + (newHeight % 70);
        int exif = 1 + (choice % 8), filter = 1 + (choice / 8 % 3), bandRows = 1 + (choice / 24 * 5);
        var stored = ResamplerRunner.Formula(w, h);
        var (upright, uprightWidth, uprightHeight) = ResamplerRunner.Upright(stored, w, h, exif);
        var expected = ReferenceResampler.Resize(upright, uprightWidth, uprightHeight, nw, nh, filter);
        var plan = new ResizePlan(nw, nh, null, null, null, filter);
        foreach (var path in Paths)
        {
            var actual = ResamplerRunner.Run(stored, w, h, plan, Orientation.FromExif(exif), path, _scratch, bandRows);
            Assert.True(expected.AsSpan().SequenceEqual(actual), $"{w} x {h}, EXIF {exif} -> {nw} x {nh}, filter {filter}, {path}");
        }
    }

    [Theory]
    [MemberData(nameof(Exif))]
    public void A_crop_is_the_middle_of_the_whole_resized_image(int exif)
    {
        foreach (var (width, height) in new[] { (90, 61), (61, 90), (40, 150), (33, 33) })
        {
            var stored = ResamplerRunner.Formula(width, height);
            var (upright, w, h) = ResamplerRunner.Upright(stored, width, height, exif);
            var geometry = ResizeGeometry.Of(new ResizePlan(0, 0, 30, 27, 24, 3), w, h);
            var whole = ReferenceResampler.Resize(upright, w, h, geometry.ResizedWidth, geometry.ResizedHeight, 3);
            var expected = Enumerable.Range(0, 24).SelectMany(row =>
                whole.Skip((((geometry.ResizedHeight - 24) / 2) + row) * geometry.ResizedWidth * 3).Skip((geometry.ResizedWidth - 27) / 2 * 3).Take(27 * 3));
            var actual = ResamplerRunner.Run(
                stored, width, height, new ResizePlan(0, 0, 30, 27, 24, 3), Orientation.FromExif(exif), KernelPaths.Best, _scratch);
            Assert.Equal(expected, actual);
        }
    }

    [Theory]
    [InlineData(640, 427, 335, 224)] // int(224 * 640 / 427) = int(335.7)
    [InlineData(427, 640, 224, 335)]
    [InlineData(100, 100, 224, 224)]
    [InlineData(1, 200, 224, 44800)]
    public void The_long_side_is_cut_off_not_rounded(int width, int height, int resizedWidth, int resizedHeight)
    {
        var geometry = ResizeGeometry.Of(GoldenPixels.Clip, width, height);
        Assert.Equal((resizedWidth, resizedHeight), (geometry.ResizedWidth, geometry.ResizedHeight));
        Assert.Equal(((resizedWidth - 224) / 2, (resizedHeight - 224) / 2), (geometry.Left, geometry.Top));
    }

    public void Dispose() => _scratch.Dispose();
}
