using VlWorker.ModelKit;

namespace VlWorker.Inference.Engine;

/// <summary>Loads a model's graphs; if the model can't be made of them, none stays loaded.</summary>
internal sealed class LoadedGraphs(ModelFolder folder, ModelOptions options) : IDisposable
{
    private readonly List<OnnxSession> _sessions = [];

    /// <summary>Loads a graph by its name in <see cref="ModelFolder.Graphs"/>.</summary>
    /// <exception cref="InvalidDataException">The folder has none of that name.</exception>
    public OnnxSession Load(string name)
    {
        if (!folder.Graphs.TryGetValue(name, out var path))
            throw new InvalidDataException($"the folder has no graph {name}");
        var session = new OnnxSession(path, options, folder.Manifest is not null);
        _sessions.Add(session);
        return session;
    }

    /// <summary>The model owns them from here on.</summary>
    public void HandOver() => _sessions.Clear();

    /// <inheritdoc/>
    public void Dispose() => _sessions.ForEach(session => session.Dispose());
}
