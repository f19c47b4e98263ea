using VlWorker.Buffers;
using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.Inference.Families.Idefics3;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Inference.Families.Idefics3;

public sealed class ChatInputsTests
{
    private const int Image = 9;

    [Fact]
    public void An_image_is_there_once_whichever_rows_are_about_it_and_in_whatever_order()
    {
        using var red = Pixels(1);
        using var green = Pixels(2);
        using var again = Pixels(1);

        var inputs = new ChatInputs([Row([red, green], 1, Image, Image, 2, Image, Image), Row([], 3), Row([green, again], Image, Image, Image, Image, 4)], Image, 2);

        Assert.Equal([red, green], inputs.Images);
        Assert.Equal([0, 2], inputs.First);
        Assert.Equal(4, inputs.Features);
        Assert.Equal([[1, ~0, ~1, 2, ~2, ~3], [3], [~2, ~3, ~0, ~1, 4]], inputs.Rows);
    }

    private static ChatRow Row(PreparedPixels[] images, params int[] prompt) => new(images, new RowRequest(new GenerationParameters(8, 0, 1, 1, EarlyStopping.Never, 0, 1, 1), prompt));

    private static PreparedPixels Pixels(byte value)
    {
        var buffer = new PooledBuffer(12);
        buffer.Span.Fill(value);
        return new PreparedPixels(2, 2, buffer, null);
    }
}
