namespace Mesh.Cli.Output;

/// <summary>What <c>mesh</c> exits with. Scripts branch on these: append only.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>Something failed that nobody foresaw.</summary>
    public const int Fault = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>The machine is not ready for it: a port is taken, a program is missing, a build fails.</summary>
    public const int Environment = 3;

    /// <summary>It ran, and what it checked does not hold.</summary>
    public const int CheckFailed = 4;

    /// <summary>No control plane answers.</summary>
    public const int Unreachable = 5;

    /// <summary>The control plane has refused.</summary>
    public const int Refused = 6;

    public const string Help = """
        Exit codes:
          0  done
          1  a fault
          2  the command line is wrong
          3  this machine is not ready: a port is taken, a program is missing, a build fails
          4  it ran, and what it checked does not hold
          5  no control plane answers
          6  the control plane has refused
        """;
}
