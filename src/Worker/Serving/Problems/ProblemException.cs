namespace VlWorker.Serving.Problems;

/// <summary>A request ends with a problem that only HTTP knows; the stages have exceptions of their own in <c>Failures</c>.</summary>
internal sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    public Problem Problem { get; } = problem;
}
