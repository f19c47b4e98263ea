using System.Collections.Frozen;
using VlWorker.Inference.Tokenizing;

namespace VlWorker.Inference.Families.Florence2;

/// <summary>
/// Reads regions out of generated tokens as Florence-2's processor does: a label's text, then the locations of its boxes or outlines. Whatever
/// else the model writes counts for nothing.
/// </summary>
internal sealed class RegionReader
{
    /// <summary>Bins that an image's width and height are divided into.</summary>
    public const int Bins = 1000;

    // Words of a caption that name nothing which could be seen in one place.
    private static readonly FrozenSet<string> Nothing = (
        "it I me mine you your yours he him his she her hers they them their theirs one oneself we us our ours its myself yourself himself herself "
        + "itself ourselves yourselves themselves this that these those who whom whose which what all another any anybody anyone anything each everybody "
        + "everyone everything few many nobody none several some somebody someone something image images the a an lots")
        .Split(' ').Concat(["each other", "one another", "the image", "a group", "other objects", "a set"]).ToFrozenSet(StringComparer.Ordinal);

    private readonly HubTokenizer _tokenizer;
    private readonly FrozenDictionary<int, int> _locations;
    private readonly FrozenSet<int> _silent;
    private readonly int? _start;
    private readonly int? _end;
    private readonly int? _separator;

    /// <summary>Looks the tokens up.</summary>
    /// <exception cref="InvalidDataException">The tokenizer has no locations.</exception>
    public RegionReader(HubTokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        _locations = Enumerable.Range(0, Bins).Select(bin => (Bin: bin, Id: tokenizer.IdOf($"<loc_{bin}>"))).Where(pair => pair.Id is not null)
            .ToFrozenDictionary(pair => pair.Id!.Value, pair => pair.Bin);
        if (_locations.Count != Bins)
            throw new InvalidDataException($"tokenizer.json has {_locations.Count} of the {Bins} location tokens <loc_0> ... <loc_{Bins - 1}>");
        var special = tokenizer.Special;
        _silent = new[] { special.BeginOfSequence, special.EndOfSequence, special.Padding }.OfType<int>().ToFrozenSet();
        (_start, _end, _separator) = (tokenizer.IdOf("<poly>"), tokenizer.IdOf("</poly>"), tokenizer.IdOf("<sep>"));
    }

    /// <summary>The regions of a sequence, in its order.</summary>
    /// <param name="tokens">As it was generated.</param>
    /// <param name="answer">How the task's answer is read; not a text.</param>
    public IReadOnlyList<LocatedRegion> Read(ReadOnlySpan<int> tokens, FlorenceAnswer answer)
    {
        if (answer == FlorenceAnswer.BoxesOrPolygons)
            answer = _start is { } start && tokens.Contains(start) ? FlorenceAnswer.BoxesOrPolygons : FlorenceAnswer.Boxes;
        var regions = new List<LocatedRegion>();
        for (var i = 0; i < tokens.Length;)
        {
            var label = Take(tokens, ref i, id => !IsPlace(id));
            var places = Take(tokens, ref i, IsPlace);
            Add(regions, answer, label, places);
        }

        return regions;
    }

    // Tokens in a row for which a condition holds; those without a meaning of their own interrupt nothing.
    private List<int> Take(ReadOnlySpan<int> tokens, ref int at, Func<int, bool> condition)
    {
        var taken = new List<int>();
        for (; at < tokens.Length && (_silent.Contains(tokens[at]) || condition(tokens[at])); at++)
        {
            if (!_silent.Contains(tokens[at]))
                taken.Add(tokens[at]);
        }

        return taken;
    }

    private bool IsPlace(int id) => _locations.ContainsKey(id) || id == _start || id == _end || id == _separator;

    private void Add(List<LocatedRegion> regions, FlorenceAnswer answer, List<int> label, List<int> places)
    {
        var bins = Bin(places);
        switch (answer)
        {
            case FlorenceAnswer.Quadrilaterals when label.Count > 0 && bins.Length >= 8:
                regions.Add(new LocatedRegion(Text(label), RegionShape.Quadrilateral, [bins[..8]]));
                break;
            case FlorenceAnswer.Proposals:
                Boxes(regions, string.Empty, bins);
                break;
            case FlorenceAnswer.Boxes when label.Count > 0:
                Boxes(regions, Ascii(Text(label)), bins);
                break;
            case FlorenceAnswer.Phrases when label.Count > 0 && Text(label) is var phrase && !Nothing.Contains(phrase):
                Boxes(regions, Ascii(phrase), bins);
                break;
            case FlorenceAnswer.Polygons when places.Count >= 4:
                Polygons(regions, string.Empty, places);
                break;
            case FlorenceAnswer.BoxesOrPolygons when label.Count > 0 && places.Count >= 4:
                Polygons(regions, Text(label), places);
                break;
            default:
                break;
        }
    }

    private static void Boxes(List<LocatedRegion> regions, string label, int[] bins)
    {
        for (var i = 0; i + 4 <= bins.Length; i += 4)
            regions.Add(new LocatedRegion(label, RegionShape.Box, [bins[i..(i + 4)]]));
    }

    // <poly> and </poly> enclose the parts of one object, <sep> stands between them; without these all locations are one outline.
    private void Polygons(List<LocatedRegion> regions, string label, List<int> places)
    {
        var (outlines, from) = (new List<int[]>(), 0);
        for (var i = 0; i <= places.Count; i++)
        {
            if (i < places.Count && _locations.ContainsKey(places[i]))
                continue;
            var bins = Bin(places[from..i]);
            from = i + 1;
            // A corner has two coordinates.
            if (bins.Length >= 2)
                outlines.Add(bins[..(bins.Length / 2 * 2)]);
            if (outlines.Count > 0 && (i == places.Count || places[i] == _end || places[i] == _start))
            {
                regions.Add(new LocatedRegion(label, RegionShape.Polygon, [.. outlines]));
                outlines.Clear();
            }
        }
    }

    private int[] Bin(List<int> places) => [.. places.Where(_locations.ContainsKey).Select(id => _locations[id])];

    private string Text(List<int> label) => _tokenizer.Decode([.. label], true).Trim();

    // Florence-2's processor leaves other characters out of the labels of boxes.
    private static string Ascii(string text) => string.Concat(text.Where(char.IsAscii));
}
