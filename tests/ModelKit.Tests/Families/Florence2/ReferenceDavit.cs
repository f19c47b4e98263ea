using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Tests.Families.Florence2;

/// <summary>DaViT's forward pass in plain loops over 64-bit floats. An image's tokens are [place][channel], places row by row.</summary>
internal static class ReferenceDavit
{
    /// <summary>The tokens for the text model.</summary>
    /// <param name="vision">The tower.</param>
    /// <param name="pixels">Normalised, [channel, y, x].</param>
    public static double[][] Encode(DavitParameters vision, Func<int, int, int, double> pixels)
    {
        var grid = new Grid(vision.ImageWidth, vision.ImageHeight, [.. Enumerable.Range(0, vision.ImageWidth * vision.ImageHeight).Select(place =>
            Enumerable.Range(0, 3).Select(channel => pixels(channel, place / vision.ImageWidth, place % vision.ImageWidth)).ToArray())]);
        foreach (var stage in vision.Stages)
        {
            if (stage.NormInFront)
                grid = grid with { Tokens = ReferenceModel.Normed(grid.Tokens, stage.Norm) };
            grid = Convolve(grid, stage.Patches);
            if (!stage.NormInFront)
                grid = grid with { Tokens = ReferenceModel.Normed(grid.Tokens, stage.Norm) };
            foreach (var (spatial, channel) in stage.Blocks)
            {
                grid = Block(grid, spatial, vision.Activation, states => InWindows(grid, states, spatial, stage.Heads, vision.WindowSize));
                grid = Block(grid, channel, vision.Activation, states => AmongChannels(states, channel, stage.Groups));
            }
        }

        var half = vision.Columns.Columns;
        double[][] placed = [.. grid.Tokens.Select((token, place) => token.Select((value, i) => value + vision.Time[i]
            + (i < half ? vision.Columns.Row(place % grid.Width)[i] : vision.Rows.Row(place / grid.Width)[i - half])).ToArray())];
        double[] mean = [.. Enumerable.Range(0, placed[0].Length).Select(i => placed.Average(token => token[i]))];
        return ReferenceModel.Normed(ReferenceModel.Through(vision.Projection, [mean, .. placed]), vision.Norm);
    }

    private static Grid Block(Grid grid, DavitBlock block, Activation activation, Func<double[][], double[][]> attend)
    {
        var states = ReferenceModel.Add(grid.Tokens, Convolve(grid, block.Before).Tokens);
        states = ReferenceModel.Add(states, ReferenceModel.Through(block.Output, attend(ReferenceModel.Normed(states, block.Norm1))));
        states = ReferenceModel.Add(states, Convolve(grid with { Tokens = states }, block.Between).Tokens);
        return grid with { Tokens = ReferenceModel.FeedForward(states, block.Norm2, block.Up, block.Down, activation) };
    }

    private static double[][] InWindows(Grid grid, double[][] states, DavitBlock block, int heads, int side)
    {
        var result = new double[states.Length][];
        var width = states[0].Length;
        for (var top = 0; top < grid.Height; top += side)
        {
            for (var left = 0; left < grid.Width; left += side)
            {
                // What lies outside is zero, and is attended to.
                var places = Enumerable.Range(0, side * side).Select(i => (Y: top + (i / side), X: left + (i % side))).ToArray();
                double[][] window = [.. places.Select(place =>
                    place.Y < grid.Height && place.X < grid.Width ? states[(place.Y * grid.Width) + place.X] : new double[width])];
                var attended = ReferenceModel.Attend(
                    ReferenceModel.Through(block.Query, window), ReferenceModel.Through(block.Key, window), ReferenceModel.Through(block.Value, window),
                    heads, width / heads, false);
                for (var i = 0; i < places.Length; i++)
                {
                    if (places[i].Y < grid.Height && places[i].X < grid.Width)
                        result[(places[i].Y * grid.Width) + places[i].X] = attended[i];
                }
            }
        }

        return result;
    }

    private static double[][] AmongChannels(double[][] states, DavitBlock block, int groups)
    {
        var size = states[0].Length / groups;
        var query = Turned(ReferenceModel.Through(block.Query, states));
        var key = Turned(ReferenceModel.Through(block.Key, states));
        var value = Turned(ReferenceModel.Through(block.Value, states));
        return Turned([.. Enumerable.Range(0, groups).Select(group => (group * size)..((group + 1) * size))
            .SelectMany(part => ReferenceModel.Attend(query[part], key[part], value[part], 1, states.Length, false))]);
    }

    private static Grid Convolve(Grid grid, Convolution by)
    {
        var (width, height, shared) = (by.Side(grid.Width), by.Side(grid.Height), by.Inputs / by.Groups);
        return new Grid(width, height, [.. Enumerable.Range(0, width * height).Select(place => Enumerable.Range(0, by.Outputs).Select(output =>
        {
            var sum = (double)by.Bias[output];
            for (var i = 0; i < shared * by.Kernel * by.Kernel; i++)
            {
                var channel = (output / (by.Outputs / by.Groups) * shared) + (i / (by.Kernel * by.Kernel));
                var y = (place / width * by.Stride) - by.Padding + (i / by.Kernel % by.Kernel);
                var x = (place % width * by.Stride) - by.Padding + (i % by.Kernel);
                if (y >= 0 && y < grid.Height && x >= 0 && x < grid.Width)
                    sum += by.Weight[(output * shared * by.Kernel * by.Kernel) + i] * grid.Tokens[(y * grid.Width) + x][channel];
            }

            return sum;
        }).ToArray())]);
    }

    private static double[][] Turned(double[][] values) =>
        [.. Enumerable.Range(0, values[0].Length).Select(column => values.Select(row => row[column]).ToArray())];

    /// <summary>Tokens and how they lie.</summary>
    private sealed record Grid(int Width, int Height, double[][] Tokens);
}
