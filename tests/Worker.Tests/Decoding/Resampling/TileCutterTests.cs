using VlWorker.Decoding;
using VlWorker.Decoding.Resampling;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Decoding.Resampling;

public sealed class TileCutterTests
{
    private static readonly ResizePlan Split = new(64, 64, null, null, null, 1) { Tiling = new Tiling(256, true) };
    private static readonly ResizePlan Squashed = Split with { Tiling = new Tiling(256, false) };

    [Theory]
    [InlineData(640, 480, 256, 192, 3, 4)]
    [InlineData(480, 640, 192, 256, 4, 3)]
    [InlineData(100, 100, 256, 256, 4, 4)]
    [InlineData(300, 143, 256, 122, 2, 4)] // 122.03: cut off, and even
    [InlineData(300, 144, 256, 122, 2, 4)] // 122.88
    [InlineData(300, 145, 256, 124, 2, 4)] // 123.73: cut off to an odd number, made even
    [InlineData(5000, 3, 256, 1, 1, 4)] // never less than a pixel
    [InlineData(3, 5000, 1, 256, 4, 1)]
    public void The_long_side_is_resized_and_both_become_multiples_of_a_tile(int width, int height, int firstWidth, int firstHeight, int rows, int columns)
    {
        var geometry = TileGeometry.Of(Split, width, height)!.Value;
        Assert.Equal((firstWidth, firstHeight), (geometry.Width, geometry.Height));
        Assert.Equal((rows, columns), (geometry.Rows, geometry.Columns));
        Assert.Equal(((rows * columns) + 1) * 64 * 64 * 3, geometry.Bytes);
        var squashed = TileGeometry.Of(Squashed, width, height)!.Value;
        Assert.Equal((firstWidth, firstHeight, 0, 0), (squashed.Width, squashed.Height, squashed.Rows, squashed.Columns));
    }

    [Fact]
    public void An_image_of_one_tile_is_not_cut()
    {
        var geometry = TileGeometry.Of(Split with { Tiling = new Tiling(64, true) }, 300, 200)!.Value;
        Assert.Equal((64, 42, 64, 64), (geometry.Width, geometry.Height, geometry.SheetWidth, geometry.SheetHeight));
        Assert.Equal((0, 0, 64 * 64 * 3), (geometry.Rows, geometry.Columns, geometry.Bytes));
    }

    [Theory]
    [InlineData("tall.png")]
    [InlineData("exif6.jpg")]
    [InlineData("tiny.png")]
    public async Task One_decode_gives_tiles_row_by_row_the_whole_image_and_what_other_models_see(string file)
    {
        using var decoder = new ImageDecoder(new DecodingOptions { Decoders = 1 });
        var original = await decoder.DecodeAsync(GoldenPixels.Image(file), [GoldenPixels.Vit], default);
        original.Prepared[0].Dispose();
        var (width, height) = (original.Width, original.Height);
        var image = await decoder.DecodeAsync(
            GoldenPixels.Image(file), [GoldenPixels.Vit, Split, Squashed, new ResizePlan(width, height, null, null, null, 1)], default);
        var geometry = TileGeometry.Of(Split, width, height)!.Value;
        var upright = image.Prepared[3].Rgb.ToArray();
        var first = ReferenceResampler.Resize(upright, width, height, geometry.Width, geometry.Height, 1);
        var sheet = ReferenceResampler.Resize(first, geometry.Width, geometry.Height, geometry.SheetWidth, geometry.SheetHeight, 1);
        var tiles = image.Prepared[1];
        Assert.Equal((geometry.Rows, geometry.Columns, (geometry.Rows * geometry.Columns) + 1), (tiles.TileRows, tiles.TileColumns, tiles.Frames));
        for (var tile = 0; tile < tiles.Frames - 1; tile++)
        {
            var (row, column) = (tile / tiles.TileColumns, tile % tiles.TileColumns);
            for (var y = 0; y < 64; y++)
                Assert.True(sheet.AsSpan(((((row * 64) + y) * geometry.SheetWidth) + (column * 64)) * 3, 192).SequenceEqual(tiles.Frame(tile).Slice(y * 192, 192)));
        }

        Assert.Equal(ReferenceResampler.Resize(sheet, geometry.SheetWidth, geometry.SheetHeight, 64, 64, 1), tiles.Frame(tiles.Frames - 1));
        Assert.Equal(1, image.Prepared[2].Frames);
        Assert.Equal(ReferenceResampler.Resize(first, geometry.Width, geometry.Height, 64, 64, 1), image.Prepared[2].Rgb);
        Assert.Equal(image.Prepared.Sum(prepared => (long)prepared.Rgb.Length), decoder.PixelBudget.Used);
        foreach (var prepared in image.Prepared)
            prepared.Dispose();
        Assert.Equal(0, decoder.PixelBudget.Used);
    }
}
