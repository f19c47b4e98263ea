using SkiaSharp;
using VlWorker.Decoding;
using VlWorker.Decoding.Headers;
using VlWorker.Failures;

namespace VlWorker.Worker.Tests.Decoding;

public sealed class ImageDecoderTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Equal_plans_give_equal_pixels_with_an_owner_each()
    {
        using var decoder = new ImageDecoder(new DecodingOptions { Decoders = 1 });
        var image = await decoder.DecodeAsync(GoldenPixels.Image("wide.jpg"), [GoldenPixels.Vit, GoldenPixels.Clip, GoldenPixels.Vit], default);
        Assert.True(image.Prepared[0].Rgb.SequenceEqual(image.Prepared[2].Rgb));
        Assert.False(image.Prepared[0].Rgb.SequenceEqual(image.Prepared[1].Rgb));
        image.Prepared[0].Dispose();
        Assert.Equal(224 * 224 * 3, image.Prepared[2].Rgb.Length);
        image.Prepared[1].Dispose();
        image.Prepared[2].Dispose();
    }

    [Fact]
    public async Task Working_memory_goes_back_at_once_and_prepared_pixels_stay_charged_to_their_owner()
    {
        using var decoder = new ImageDecoder(new DecodingOptions { Decoders = 1 });
        var image = await decoder.DecodeAsync(GoldenPixels.Image("tall.png"), [GoldenPixels.Vit, GoldenPixels.Clip], default);
        Assert.Equal(2 * 224 * 224 * 3, decoder.PixelBudget.Used);
        image.Prepared[0].Dispose();
        image.Prepared[0].Dispose();
        Assert.Equal(224 * 224 * 3, decoder.PixelBudget.Used);
        image.Prepared[1].Dispose();
        Assert.Equal(0, decoder.PixelBudget.Used);
    }

    [Fact]
    public async Task A_full_budget_holds_decoding_back_until_pixels_are_given_back()
    {
        using var decoder = new ImageDecoder(new DecodingOptions { Decoders = 2, PixelBudgetBytes = 1 << 20 });
        var held = await decoder.DecodeAsync(GoldenPixels.Image("tiny.png"), [GoldenPixels.Whole(480, 400)], default);
        var waiting = decoder.DecodeAsync(GoldenPixels.Image("wide.jpg"), [GoldenPixels.Vit], default);
        using var cancelled = new CancellationTokenSource();
        var leaving = decoder.DecodeAsync(GoldenPixels.Image("wide.jpg"), [GoldenPixels.Vit], cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving.WaitAsync(Patience));
        Assert.False(waiting.IsCompleted);
        held.Prepared[0].Dispose();
        var image = await waiting.WaitAsync(Patience);
        image.Prepared[0].Dispose();
        Assert.Equal(0, decoder.PixelBudget.Used);
    }

    [Fact]
    public async Task Many_at_once_all_come_out_right_and_leave_nothing_behind()
    {
        using var decoder = new ImageDecoder(new DecodingOptions { Decoders = 3, PixelBudgetBytes = 2 << 20 });
        string[] names = ["wide.jpg", "exif6.jpg", "tall.png", "animated.gif", "exif3.webp", "cmyk.jpg"];
        var expected = names.Select(name => GoldenPixels.Json("images.json").GetProperty(name).GetProperty("vit").GetString()).ToArray();
        await Parallel.ForEachAsync(Enumerable.Range(0, 60), async (i, _) =>
        {
            var whole = GoldenPixels.Image(names[i % names.Length]);
            var broken = whole[..(whole.Length / 2)];
            if (i % 5 == 4 && names[i % names.Length] != "animated.gif")
                await Assert.ThrowsAsync<RejectedException>(() => decoder.DecodeAsync(broken, [GoldenPixels.Vit], default));
            var (_, pixels) = await GoldenPixels.DecodeAsync(decoder, whole, GoldenPixels.Vit);
            Assert.Equal(expected[i % names.Length], GoldenPixels.Hash(pixels[0]));
        });
        Assert.Equal(0, decoder.PixelBudget.Used);
    }

    [Fact]
    public async Task An_image_of_40_megapixels_is_never_held_whole()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(8000, 5000, SKColorType.Gray8));
        bitmap.Erase(SKColors.SteelBlue);
        using var encoded = bitmap.Encode(SKEncodedImageFormat.Jpeg, 60);
        var bytes = encoded.ToArray();
        var cost = DecodingCost.Of(ImageHeader.Read(bytes), [GoldenPixels.Vit, GoldenPixels.Clip]);
        Assert.InRange(cost.Working, 1, 16 << 20);
        using var decoder = new ImageDecoder(new DecodingOptions { Decoders = 1 });
        var (image, pixels) = await GoldenPixels.DecodeAsync(decoder, bytes, GoldenPixels.Vit);
        Assert.Equal((8000, 5000), (image.Width, image.Height));
        Assert.Single(pixels[0].Distinct());
    }
}
