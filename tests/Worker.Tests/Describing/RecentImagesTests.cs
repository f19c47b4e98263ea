using Microsoft.Extensions.Time.Testing;
using SkiaSharp;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Describing;
using VlWorker.Integration.Messaging;

namespace VlWorker.Worker.Tests.Describing;

public sealed class RecentImagesTests
{
    private static readonly TaskPlan[] Plans = [new(Tasks.Caption, new EchoModel(), null)];

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void One_image_a_second_is_kept_and_the_oldest_goes()
    {
        var recent = new RecentImages(2, _time);
        for (var i = 0; i < 4; i++)
        {
            recent.Add(recent.Sample(Image(), Plans), $"{i}", Caption($"caption {i}"));
            recent.Add(recent.Sample(Image(), Plans), "too soon", Caption("too soon"));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(["caption 3", "caption 2"], recent.All.Select(image => image.Caption));
        Assert.Equal("3", recent.Find(recent.All[0].Id)!.Key);
        Assert.Null(recent.Find(1));
    }

    [Fact]
    public void A_thumbnail_has_the_shape_of_the_image_that_was_squashed_for_the_model()
    {
        using var thumbnail = SKBitmap.Decode(new RecentImages(1, _time).Sample(Image(), Plans));

        Assert.Equal((160, 80), (thumbnail.Width, thumbnail.Height));
        Assert.InRange(thumbnail.GetPixel(80, 40).Red, 190, 210);
    }

    [Fact]
    public void Without_captions_nothing_is_kept()
    {
        Assert.Null(new RecentImages(0, _time).Sample(Image(), Plans));
        Assert.Null(new RecentImages(1, _time).Sample(Image(), [new(Tasks.Embedding, new EchoModel(), null)]));
    }

    /// <summary>400 x 200 pixels, all of one colour, squashed to 8 x 8.</summary>
    private static DecodedImage Image()
    {
        var pixels = new PooledBuffer(8 * 8 * 3);
        pixels.Span.Fill(200);
        return new DecodedImage(400, 200, "png", [new PreparedPixels(8, 8, pixels, null)]);
    }

    private static Description Caption(string text) => new(
        new ImageFacts(null, null, new string('0', 64), 1, 400, 200, "png"),
        [new Output { Task = Tasks.Caption, Model = new EchoModel().Reference, ResultId = "", ContentId = "", Caption = new Caption { Text = text, Tokens = 1 } }],
        new Timings { Fetch = 0, Decode = 0, BatchWait = 0, Inference = 0, BatchSize = 1 });
}
