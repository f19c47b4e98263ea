namespace VlWorker.Inference.Tokenizing.Models;

/// <summary>Tokens and their ids, both ways.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _idsBySpan;
    private readonly Dictionary<int, string> _tokens = [];

    /// <param name="json">A map from token to id.</param>
    /// <exception cref="InvalidDataException">It is none, or empty.</exception>
    public Vocabulary(TokenizerJson json)
        : this(json.Ids())
    {
        if (_ids.Count == 0)
            throw json.Malformed("is empty");
    }

    /// <param name="tokens">Tokens and ids; of a token that is there twice the last id counts.</param>
    public Vocabulary(IEnumerable<KeyValuePair<string, int>> tokens)
    {
        foreach (var (token, id) in tokens)
        {
            _ids[token] = id;
            _tokens[id] = token;
        }

        _idsBySpan = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public int Count => _ids.Count;

    public int? IdOf(ReadOnlySpan<char> token) => _idsBySpan.TryGetValue(token, out var id) ? id : null;

    /// <exception cref="InvalidDataException">What the file names is no token.</exception>
    public int Required(TokenizerJson token) => IdOf(token.Text()) ?? throw token.Malformed($"\"{token.Text()}\" is not in the vocabulary");

    public string? TokenOf(int id) => _tokens.GetValueOrDefault(id);
}
