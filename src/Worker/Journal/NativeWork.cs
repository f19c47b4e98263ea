namespace VlWorker.Journal;

/// <summary>Native code has these messages until this is disposed of: written down first, as a crash of the process leaves nothing else behind.</summary>
internal readonly ref struct NativeWork : IDisposable
{
    private readonly ReadOnlySpan<WorkMark> _marks;

    private NativeWork(ReadOnlySpan<WorkMark> marks) => _marks = marks;

    /// <summary>Native code is about to get them.</summary>
    /// <param name="marks">The messages, all of one journal, as a process has one; a message may be there several times. None: nobody is to blame.</param>
    /// <param name="stage">What is done with them.</param>
    public static NativeWork Begin(ReadOnlySpan<WorkMark> marks, WorkStage stage)
    {
        if (marks.Length > 0)
            marks[0].Journal.Begin(marks, stage);
        return new NativeWork(marks);
    }

    /// <summary>Native code has given them back.</summary>
    public void Dispose()
    {
        if (_marks.Length > 0)
            _marks[0].Journal.End(_marks);
    }
}
